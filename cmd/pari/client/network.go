// Package client connects programs and people to a Pari network: it knows the addresses of the services, presents the
// certificate of a system, and adds the access token of a person.
//
// It promises that a connection reaches only the service asked for: the server's certificate must name that service and
// node. It stores neither sessions nor tokens.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
)

// configFile describes the network, in its folder.
const configFile = "network.json"

// Network holds the addresses of a network's services and the location of its systems' identities.
type Network struct {
	// Dir holds network.json, the authority's certificate and an identity directory for each system.
	Dir string `json:"dir"`
	// Addr is host:port by service, for instance "directory" or "intake.cremona".
	Addr map[string]string `json:"addr"`
	// Issuer is the OpenID provider at which people sign in.
	Issuer string `json:"issuer"`
	// Nodes are the names of the municipal nodes.
	Nodes []string `json:"nodes"`
	// Tenants are the tenants of the nodes, by name.
	Tenants map[string]tenant.ID `json:"tenants"`
}

// ErrNoNetwork is returned when the folder has no network.json.
var ErrNoNetwork = errors.New("no network here")

// DefaultDir returns the folder of the network: PARI_DIR, else a folder below the home folder.
func DefaultDir() string {
	if dir := os.Getenv("PARI_DIR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".pari"
	}
	return filepath.Join(home, ".local", "state", "pari")
}

// Load reads the description of the network in dir. It returns ErrNoNetwork when there is none.
func Load(dir string) (Network, error) {
	raw, err := os.ReadFile(filepath.Join(dir, configFile))
	if errors.Is(err, os.ErrNotExist) {
		return Network{}, fmt.Errorf("%w: %s", ErrNoNetwork, dir)
	}
	if err != nil {
		return Network{}, fmt.Errorf("network: %w", err)
	}
	var n Network
	if err := json.Unmarshal(raw, &n); err != nil {
		return Network{}, fmt.Errorf("network: %w", err)
	}
	return n, nil
}

// Save writes the description into the network's folder.
func (n Network) Save() error {
	raw, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if err := os.WriteFile(filepath.Join(n.Dir, configFile), append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}

// Conn connects to a service, for instance "intake.cremona", through a system, for instance "console.cremona". With a
// token a person calls through the system; without one the system calls for itself.
func (n Network) Conn(service, system, token string) (*grpc.ClientConn, error) {
	addr, ok := n.Addr[service]
	if !ok {
		return nil, fmt.Errorf("the network has no %s", service)
	}
	source, err := identity.LoadSource(filepath.Join(n.Dir, "identities", system))
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{WithAttempts()}
	if token != "" {
		bearer := rpc.Bearer(func(context.Context) (string, error) { return token, nil })
		options = append(options, grpc.WithPerRPCCredentials(bearer))
	}
	name, node, ofNode := strings.Cut(service, ".")
	at := tenant.Centre
	if ofNode {
		if at, ok = n.Tenants[node]; !ok {
			return nil, fmt.Errorf("the network has no node %s", node)
		}
	}
	return rpc.Dial(addr, source, rpc.Service(name, at), options...)
}

// Console returns the system through which people use a service: the console of its node, or of the centre.
func Console(service string) string {
	if _, node, ok := strings.Cut(service, "."); ok {
		return "console." + node
	}
	return "console.centre"
}
