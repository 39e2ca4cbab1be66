package natsserver

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
)

// TLS names the files of an identity directory, as identity.Source reads them too.
type TLS struct{ Cert, Key, CA string }

// TLSIn names the files of dir by their usual names.
func TLSIn(dir string) TLS {
	return TLS{Cert: filepath.Join(dir, identity.CertFile), Key: filepath.Join(dir, identity.KeyFile), CA: filepath.Join(dir, identity.CAFile)}
}

var (
	slug   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	domain = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$`)
)

// LeafID is what the leaf of a node presents to the hub and to the node's services.
func LeafID(trustDomain, region, node string) identity.ID {
	return identity.ID{TrustDomain: trustDomain, Region: region, Node: node, Kind: identity.KindLeaf, Name: "nats"}
}

// HubID is what the hub presents.
func HubID(trustDomain string) identity.ID {
	return identity.ID{TrustDomain: trustDomain, Region: identity.AllRegions, Node: identity.Centre, Kind: identity.KindLeaf, Name: "hub"}
}

func centreID(trustDomain, kind, name string) identity.ID {
	return identity.ID{TrustDomain: trustDomain, Region: identity.AllRegions, Node: identity.Centre, Kind: kind, Name: name}
}

// user is one certificate and what it may do.
type user struct {
	ID        identity.ID
	Kind      string // STANDARD or LEAFNODE
	Publish   []string
	Subscribe []string
}

// serviceUser may send and hear one line.
func serviceUser(trustDomain, region, node, service string) user {
	up, down := "pari.v1."+region+"."+node, "pari.down.v1."+region+"."+node
	return user{
		ID:        identity.ID{TrustDomain: trustDomain, Region: region, Node: node, Kind: identity.KindService, Name: service},
		Kind:      "STANDARD",
		Publish:   []string{up + ".events." + service + ".>", up + ".heartbeat." + service},
		Subscribe: []string{down + ".watermark." + service, bus.InboxPrefix(region, node, service) + ".>"},
	}
}

func checkSlugs(what string, values ...string) error {
	for _, v := range values {
		if !slug.MatchString(v) {
			return fmt.Errorf("broker configuration: %s is not a lower-case name", what)
		}
	}
	return nil
}

func checkListen(what, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("broker configuration: %s is not host:port", what)
	}
	if n, err := strconv.Atoi(port); err != nil || n < -1 || n > 65535 {
		return fmt.Errorf("broker configuration: %s has no usable port", what)
	}
	return nil
}

func checkTLS(t TLS) error {
	if t.Cert == "" || t.Key == "" || t.CA == "" {
		return fmt.Errorf("broker configuration: certificate, key and authorities are needed")
	}
	return nil
}

// quoted is how a value stands in the configuration: JSON-like strings, which its parser takes literally.
func quoted(v string) string { return strconv.Quote(v) }

func list(values []string) string {
	q := make([]string, len(values))
	for i, v := range values {
		q[i] = quoted(v)
	}
	return "[" + strings.Join(q, ", ") + "]"
}

var functions = template.FuncMap{"q": quoted, "list": list}

const common = `
{{define "tls"}}tls {
    cert_file: {{q .Cert}}
    key_file: {{q .Key}}
    ca_file: {{q .CA}}
    verify_and_map: true
    min_version: "1.3"
    timeout: 5
  }{{end}}
{{define "user"}}{ user: {{q .ID.String}}, allowed_connection_types: [{{q .Kind}}], permissions: {
        publish: { allow: {{list .Publish}} }
        subscribe: { allow: {{list .Subscribe}} }
      } }{{end}}
{{define "limits"}}max_payload: 128KB
max_control_line: 8KB
ping_interval: "10s"
ping_max: 2
write_deadline: "10s"
connect_error_reports: 60
reconnect_error_reports: 60{{end}}
`

func render(name, text string, data any) (string, error) {
	t, err := template.New(name).Funcs(functions).Parse(common + text)
	if err != nil {
		return "", fmt.Errorf("broker configuration: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("broker configuration: %w", err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}
