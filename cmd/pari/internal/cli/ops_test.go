package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure the brokers get the configuration that package natsconf makes and tests, without those who are denied.
func TestOps_NATSConfig(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, answerHostile)
	cremona, cuneo := tenant.ID{Region: "lombardia", Node: "cremona"}, tenant.ID{Region: "piemonte", Node: "cuneo"}
	leafID := natsconf.LeafID("rete.example.org", cremona)
	denied := f.writeFile(t, "deny.yaml", "identities:\n  - "+leafID.String()+"\n")
	isDenied := func(id identity.ID) bool { return id == leafID }
	hub := natsconf.Hub{
		TrustDomain: "rete.example.org", Listen: "0.0.0.0:4222", LeafListen: "0.0.0.0:7422", StoreDir: "/data",
		TLS: natsconf.TLSIn("/etc/pari/tls"), Denied: isDenied,
		Nodes: []natsconf.Node{{Tenant: cremona}, {Tenant: cuneo, Hosted: []string{"intake", "casemanagement"}}},
	}
	leaf := natsconf.Leaf{
		TrustDomain: "rete.example.org", Tenant: cremona, Listen: "127.0.0.1:4222",
		HubURL: "tls://hub.example.org:7422", TLS: natsconf.TLSIn("/tls"),
	}
	for args, config := range map[string]func() (string, error){
		"hub --trust-domain rete.example.org --store /data --node lombardia/cremona --hosted piemonte/cuneo --deny " +
			denied: hub.Config,
		"leaf --trust-domain rete.example.org --tenant lombardia/cremona --hub tls://hub.example.org:7422 --tls /tls " +
			"--listen 127.0.0.1:4222": leaf.Config,
	} {
		want, err := config()
		if err != nil {
			t.Fatal(err)
		}
		out, errOut, code := f.run(t, strings.Fields("ops nats-config "+args)...)
		if code != 0 || out != want || errOut != "" {
			t.Errorf("%s: exit %d, %s\n%s", args, code, errOut, out)
		}
	}
}

// Ensure settings that are missing or wrong print no configuration, and say what is wrong.
func TestOps_NATSConfig_Refuses(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, answerHostile)
	missing := filepath.Join(f.dir, "none.yaml")
	for args, want := range map[string]string{
		"hub --store /data": "--trust-domain is missing",
		"hub --trust-domain a.example --store /d --node cremona":                         "cremona",
		"hub --trust-domain a.example --store /d --listen 4222":                          "listen address",
		"hub --trust-domain a.example --store /d --deny " + missing:                      "deny list",
		"leaf --trust-domain a.example --tenant lombardia/cremona --hub nats://hub:7422": "tls://host:port",
	} {
		out, errOut, code := f.run(t, strings.Fields("ops nats-config "+args+" --lang en")...)
		if code == 0 || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit %d, %q, %s", args, code, out, errOut)
		}
	}
}
