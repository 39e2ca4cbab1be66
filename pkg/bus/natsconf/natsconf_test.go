package natsconf_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/tenant"
)

var cremona = tenant.ID{Region: "lombardia", Node: "cremona"}

func tlsFiles() natsconf.TLS { return natsconf.TLS{Cert: "cert", Key: "key", CA: "ca"} }

func hub() natsconf.Hub {
	return natsconf.Hub{
		TrustDomain: "pari.test", Listen: "127.0.0.1:4222", LeafListen: "127.0.0.1:7422", StoreDir: "/store",
		TLS: tlsFiles(), Nodes: []natsconf.Node{{Tenant: cremona, Hosted: []string{"intake"}}},
	}
}

func leaf() natsconf.Leaf {
	return natsconf.Leaf{
		TrustDomain: "pari.test", Tenant: cremona, Listen: "127.0.0.1:4222",
		HubURL: "tls://hub.pari.test:7422", TLS: tlsFiles(),
	}
}

// parse decodes the configuration, which is JSON, and returns the value at a path.
func parse(t *testing.T, config string, err error) func(path ...string) any {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := json.Unmarshal([]byte(config), &root); err != nil {
		t.Fatal(err)
	}
	return func(path ...string) any {
		value := root
		for _, key := range path {
			value = value.(map[string]any)[key]
		}
		return value
	}
}

// users returns the names of an account's users.
func users(account any) (names []string) {
	list, _ := account.(map[string]any)["users"].([]any)
	for _, u := range list {
		name, _ := u.(map[string]any)["user"].(string)
		names = append(names, strings.TrimPrefix(name, "spiffe://pari.test/region/"))
	}
	return names
}

// Ensure the hub syncs each message, requires certificates, and has users for the centre, each leaf, and the services
// that the centre hosts for a node.
func TestHub_Config(t *testing.T) {
	t.Parallel()
	h := hub()
	config, err := h.Config()
	at := parse(t, config, err)
	for path, want := range map[string]any{
		"server_name": "hub", "http": nil, "system_account": "SYS",
		"jetstream sync_interval": "always", "jetstream domain": "hub",
		"tls verify_and_map": true, "leafnodes tls verify_and_map": true, "leafnodes no_advertise": true,
	} {
		if got := at(strings.Fields(path)...); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if diff := cmp.Diff([]string{
		"all/node/centre/service/reporting", "all/node/centre/service/directory", "all/node/centre/ops/monitor",
	}, users(at("accounts", "CENTRE"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"lombardia/node/cremona/leaf/nats", "lombardia/node/cremona/service/intake",
	}, users(at("accounts", "NODE_lombardia_cremona"))); diff != "" {
		t.Error(diff)
	}
	h.Name, h.SyncInterval, h.Monitor = "second", "2m", "127.0.0.1:8222"
	config, err = h.Config()
	at = parse(t, config, err)
	if at("server_name") != "second" || at("jetstream", "sync_interval") != "2m" || at("http") != "127.0.0.1:8222" {
		t.Errorf("given values became %v, %v, %v", at("server_name"), at("jetstream", "sync_interval"), at("http"))
	}
	h.Nodes = nil
	config, err = h.Config()
	if exports := parse(t, config, err)("accounts", "CENTRE", "exports"); len(exports.([]any)) != 0 {
		t.Errorf("without nodes the hub exports %v", exports)
	}
}

// Ensure each node has an account of its own at the hub, whatever its name and that of its region. Accounts are what
// separates the nodes.
func TestHub_ConfigSeparatesAccounts(t *testing.T) {
	t.Parallel()
	h := hub()
	h.Nodes = nil
	for _, of := range []tenant.ID{
		{Region: "lombardia", Node: "livo"}, {Region: "trentino", Node: "livo"}, // homonyms
		{Region: "lombardia", Node: "livo-trentino"}, {Region: "lombardia-livo", Node: "trentino"},
	} {
		h.Nodes = append(h.Nodes, natsconf.Node{Tenant: of})
	}
	config, err := h.Config()
	at := parse(t, config, err)
	accounts, ok := at("accounts").(map[string]any)
	if !ok || len(accounts) != 2+len(h.Nodes) { // SYS and CENTRE
		t.Errorf("%d nodes have the accounts %v", len(h.Nodes), slices.Sorted(maps.Keys(accounts)))
	}
	for name, account := range accounts {
		if strings.HasPrefix(name, "NODE") && len(users(account)) != 1 {
			t.Errorf("the users of %s are %v", name, users(account))
		}
	}
}

// Ensure a leaf has no JetStream, connects to the hub alone, and has a user for each service.
func TestLeaf_Config(t *testing.T) {
	t.Parallel()
	l := leaf()
	for _, c := range []struct{ services, want []string }{
		{nil, []string{"intake", "casemanagement", "directory"}}, {[]string{"intake"}, []string{"intake"}},
	} {
		l.Services = c.services
		config, err := l.Config()
		at := parse(t, config, err)
		if at("jetstream") != nil || at("leafnodes", "listen") != nil || at("tls", "verify_and_map") != true {
			t.Errorf("the configuration is %s", config)
		}
		remote := at("leafnodes", "remotes").([]any)[0].(map[string]any)
		if remote["url"] != "tls://hub.pari.test:7422" || remote["ignore_discovered_servers"] != true {
			t.Errorf("the remote is %v", remote)
		}
		var want []string
		for _, service := range c.want {
			want = append(want, "lombardia/node/cremona/service/"+service)
		}
		if diff := cmp.Diff(want, users(at("accounts", "NODE"))); diff != "" {
			t.Error(diff)
		}
	}
}

// Ensure a mistake is refused before a broker gets it: a name with a wildcard would widen permissions.
func TestHub_ConfigRefusesMistakes(t *testing.T) {
	t.Parallel()
	node := func(region, name string, hosted ...string) func(*natsconf.Hub) {
		return func(h *natsconf.Hub) {
			h.Nodes = []natsconf.Node{{Tenant: tenant.ID{Region: region, Node: name}, Hosted: hosted}}
		}
	}
	for name, change := range map[string]func(*natsconf.Hub){
		"trust domain":         func(h *natsconf.Hub) { h.TrustDomain = "pari test" },
		"no store":             func(h *natsconf.Hub) { h.StoreDir = "" },
		"no listen address":    func(h *natsconf.Hub) { h.Listen = "" },
		"no leaf address":      func(h *natsconf.Hub) { h.LeafListen = "127.0.0.1" },
		"port is not a number": func(h *natsconf.Hub) { h.Listen = "127.0.0.1:nats" },
		"port too large":       func(h *natsconf.Hub) { h.Listen = "127.0.0.1:65536" },
		"port too small":       func(h *natsconf.Hub) { h.LeafListen = "127.0.0.1:-2" },
		"no certificate":       func(h *natsconf.Hub) { h.TLS.Cert = "" },
		"no key":               func(h *natsconf.Hub) { h.TLS.Key = "" },
		"no authorities":       func(h *natsconf.Hub) { h.TLS.CA = "" },
		"region":               node("*", "cremona"),
		"node":                 node("lombardia", "cremona.>"),
		"hosted service":       node("lombardia", "cremona", "intake", "Intake"),
	} {
		h := hub()
		change(&h)
		if config, err := h.Config(); err == nil {
			t.Errorf("%s: accepted as %s", name, config)
		}
	}
	for _, listen := range []string{"127.0.0.1:-1", "127.0.0.1:65535", "[::1]:4222", ":4222"} {
		h := hub()
		h.Listen = listen
		if _, err := h.Config(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func TestLeaf_ConfigRefusesMistakes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*natsconf.Leaf){
		"trust domain":    func(l *natsconf.Leaf) { l.TrustDomain = "" },
		"region":          func(l *natsconf.Leaf) { l.Tenant.Region = "*" },
		"node":            func(l *natsconf.Leaf) { l.Tenant.Node = "" },
		"service":         func(l *natsconf.Leaf) { l.Services = []string{">"} },
		"listen address":  func(l *natsconf.Leaf) { l.Listen = "" },
		"no certificate":  func(l *natsconf.Leaf) { l.TLS.Cert = "" },
		"hub in clear":    func(l *natsconf.Leaf) { l.HubURL = "nats://hub.pari.test:7422" },
		"hub, no port":    func(l *natsconf.Leaf) { l.HubURL = "tls://hub.pari.test" },
		"hub, with user":  func(l *natsconf.Leaf) { l.HubURL = "tls://user@hub.pari.test:7422" },
		"hub, not parsed": func(l *natsconf.Leaf) { l.HubURL = "tls://%zz:1" },
	} {
		l := leaf()
		change(&l)
		if config, err := l.Config(); err == nil {
			t.Errorf("%s: accepted as %s", name, config)
		}
	}
}

func TestTLSIn(t *testing.T) {
	t.Parallel()
	want := natsconf.TLS{Cert: "/id/cert.pem", Key: "/id/key.pem", CA: "/id/ca.pem"}
	if diff := cmp.Diff(want, natsconf.TLSIn("/id")); diff != "" {
		t.Error(diff)
	}
}
