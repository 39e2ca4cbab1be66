package network

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/internal/devidp"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
)

// Access is how programs reach a network: it lies in network.json of its folder.
type Access struct {
	Dir    string            `json:"dir"`
	Addr   map[string]string `json:"addr"`
	Issuer string            `json:"issuer"`
	Nodes  []string          `json:"nodes"`
}

// Access of a planned network.
func (p *Plan) Access() Access {
	a := Access{Dir: p.Dir, Addr: p.Addr, Issuer: p.Issuer()}
	for _, n := range p.Nodes {
		a.Nodes = append(a.Nodes, n.Name)
	}
	return a
}

func (a Access) write() error {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("access: %w", err)
	}
	if err := os.WriteFile(filepath.Join(a.Dir, "network.json"), append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("access: %w", err)
	}
	return nil
}

// ErrNoNetwork is returned where no network was ever started.
var ErrNoNetwork = errors.New("no network here")

// ReadAccess reads what a network in dir has written.
func ReadAccess(dir string) (Access, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "network.json"))
	if errors.Is(err, os.ErrNotExist) {
		return Access{}, fmt.Errorf("%w: %s", ErrNoNetwork, dir)
	}
	if err != nil {
		return Access{}, fmt.Errorf("access: %w", err)
	}
	var a Access
	if err := json.Unmarshal(raw, &a); err != nil {
		return Access{}, fmt.Errorf("access: %w", err)
	}
	return a, nil
}

// Conn connects to a service, for instance "intake.cremona", through a system, for instance "console.cremona", for a person
// with an access token, or for the system itself when token is "".
func (a Access) Conn(service, system, token string) (*grpc.ClientConn, error) {
	addr, ok := a.Addr[service]
	if !ok {
		return nil, fmt.Errorf("the network has no %s", service)
	}
	source, err := identity.LoadSource(filepath.Join(a.Dir, "identities", system))
	if err != nil {
		return nil, err
	}
	var options []grpc.DialOption
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(rpc.Bearer(func(context.Context) (string, error) { return token, nil })))
	}
	name, node, _ := strings.Cut(service, ".")
	return rpc.Dial(addr, source, rpc.Service(name, node), options...)
}

// Console is the system through which people use a service: the console of its node.
func Console(service string) string {
	if _, node, ok := strings.Cut(service, "."); ok {
		return "console." + node
	}
	return "console.centre"
}

// Login signs a person in.
func (a Access) Login(ctx context.Context, persona string) (token string, expires time.Time, err error) {
	pem, err := os.ReadFile(filepath.Join(a.Dir, "authority", identity.CAFile))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	return devidp.Login(ctx, client, a.Issuer, persona)
}
