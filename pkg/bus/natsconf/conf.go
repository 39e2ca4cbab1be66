package natsconf

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// TLS is the paths of certificate, key and authorities.
type TLS struct{ Cert, Key, CA string }

// TLSIn returns the paths in an identity directory.
func TLSIn(dir string) TLS {
	return TLS{
		Cert: filepath.Join(dir, identity.CertFile), Key: filepath.Join(dir, identity.KeyFile),
		CA: filepath.Join(dir, identity.CAFile),
	}
}

var (
	slug   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	domain = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$`)
)

// LeafID is the identity of a node's leaf.
func LeafID(trustDomain string, t tenant.ID) identity.ID {
	return identity.ID{TrustDomain: trustDomain, Tenant: t, Kind: identity.KindLeaf, Name: "nats"}
}

// HubID is the identity of the hub.
func HubID(trustDomain string) identity.ID {
	return centreID(trustDomain, identity.KindLeaf, "hub")
}

func centreID(trustDomain, kind, name string) identity.ID {
	return identity.ID{TrustDomain: trustDomain, Tenant: tenant.Centre, Kind: kind, Name: name}
}

// user is the identity in a certificate, with its permissions.
type user struct {
	ID        identity.ID
	Kind      string // STANDARD or LEAFNODE
	Publish   []string
	Subscribe []string
}

// serviceUser may send one partition and receive its watermarks. The directory may request what its replica lacks
// instead.
func serviceUser(trustDomain string, t tenant.ID, service string) user {
	up, down := "pari.v1."+bus.Owner(t), "pari.down.v1."+bus.Owner(t)
	u := user{
		ID: identity.ID{
			TrustDomain: trustDomain, Tenant: t, Kind: identity.KindService, Name: service,
		},
		Kind:      "STANDARD",
		Publish:   []string{up + ".events." + service + ".>", up + ".heartbeat." + service},
		Subscribe: []string{down + ".watermark." + service, bus.InboxPrefix(t, service) + ".>"},
	}
	if service == "directory" {
		u.Publish = []string{bus.DirectoryRequest(t)}
		u.Subscribe[0] = bus.DirectoryAnnouncements
	}
	return u
}

func checkSlugs(field string, values ...string) error {
	for _, v := range values {
		if !slug.MatchString(v) {
			return fmt.Errorf("broker configuration: %s is not a lower-case name", field)
		}
	}
	return nil
}

func checkListen(field, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("broker configuration: %s is not host:port", field)
	}
	if n, err := strconv.Atoi(port); err != nil || n < -1 || n > 65535 {
		return fmt.Errorf("broker configuration: %s has no usable port", field)
	}
	return nil
}

func checkTLS(t TLS) error {
	if t.Cert == "" || t.Key == "" || t.CA == "" {
		return fmt.Errorf("broker configuration: certificate, key and authorities are required")
	}
	return nil
}

// object is a block of the configuration, encoded as JSON, which nats-server reads.
type object = map[string]any

// base is the configuration that hub and leaf share.
func base(name, listen, monitor string, t TLS) object {
	o := object{
		"server_name": name, "listen": listen, "tls": t.serverBlock(),
		"max_payload": 128 << 10, "max_control_line": 8 << 10, "write_deadline": "10s",
		"ping_interval": "10s", "ping_max": 2, "connect_error_reports": 60, "reconnect_error_reports": 60,
		"system_account": "SYS",
	}
	if monitor != "" {
		o["http"] = monitor
	}
	return o
}

// serverBlock is for listeners: clients must present a certificate, whose identity is the user name.
func (t TLS) serverBlock() object {
	o := t.clientBlock()
	o["verify_and_map"] = true
	return o
}

// clientBlock is for connections that the broker opens.
func (t TLS) clientBlock() object {
	return object{"cert_file": t.Cert, "key_file": t.Key, "ca_file": t.CA, "min_version": "1.3", "timeout": 5}
}

func users(list []user, denied func(identity.ID) bool) []object {
	o := make([]object, 0, len(list))
	for _, u := range list {
		if denied != nil && denied(u.ID) {
			continue
		}
		o = append(o, object{
			"user": u.ID.String(), "allowed_connection_types": []string{u.Kind},
			"permissions": object{"publish": object{"allow": u.Publish}, "subscribe": object{"allow": u.Subscribe}},
		})
	}
	return o
}

func render(config object) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // subjects end in ">", and nats-server does not parse \u
	e.SetIndent("", "  ")
	if err := e.Encode(config); err != nil {
		return "", fmt.Errorf("broker configuration: %w", err)
	}
	return b.String(), nil
}
