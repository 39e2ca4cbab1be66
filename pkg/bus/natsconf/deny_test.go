package natsconf_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// denying denies some identities.
func denying(ids ...identity.ID) func(identity.ID) bool {
	return func(id identity.ID) bool {
		for _, denied := range ids {
			if id == denied {
				return true
			}
		}
		return false
	}
}

// Ensure denied identities are not among the users, and that a leaf whose hub is denied has no link.
func TestConfig_LeavesOutDenied(t *testing.T) {
	t.Parallel()
	h, l := hub(), leaf()
	h.Denied = denying(
		natsconf.LeafID("pari.test", cremona),
		identity.ID{TrustDomain: "pari.test", Tenant: tenant.Centre, Kind: identity.KindOps, Name: "monitor"})
	config, err := h.Config()
	at := parse(t, config, err)
	if diff := cmp.Diff([]string{
		"all/node/centre/service/reporting", "all/node/centre/service/directory",
	}, users(at("accounts", "CENTRE"))); diff != "" {
		t.Error(diff)
	}
	want := []string{"lombardia/node/cremona/service/intake"}
	if diff := cmp.Diff(want, users(at("accounts", "NODE_lombardia_cremona"))); diff != "" {
		t.Error(diff)
	}
	l.Denied = denying(natsconf.HubID("pari.test"),
		identity.ID{TrustDomain: "pari.test", Tenant: cremona, Kind: identity.KindService, Name: "intake"})
	config, err = l.Config()
	at = parse(t, config, err)
	if got := users(at("accounts", "NODE")); len(got) != 2 {
		t.Errorf("the users of the leaf are %v", got)
	}
	if remotes, ok := at("leafnodes", "remotes").([]any); !ok || len(remotes) != 0 {
		t.Errorf("the leaf has links to %v", remotes)
	}
}

// denyNetwork is a hub with a leaf, which the tests configure anew.
type denyNetwork struct {
	*bustest.Network

	hub  natsconf.Hub
	leaf natsconf.Leaf
}

func newDenyNetwork(t *testing.T) *denyNetwork {
	t.Helper()
	n := &denyNetwork{Network: bustest.New(t)}
	n.hub = natsconf.Hub{
		TrustDomain: bustest.TrustDomain, Listen: freeAddr(t), LeafListen: freeAddr(t), StoreDir: t.TempDir(),
		TLS:   natsconf.TLSIn(n.Identity(natsconf.HubID(bustest.TrustDomain))),
		Nodes: []natsconf.Node{{Tenant: bustest.Cremona, Hosted: []string{"intake"}}, {Tenant: bustest.Cuneo}},
	}
	n.leaf = natsconf.Leaf{
		TrustDomain: bustest.TrustDomain, Tenant: bustest.Cremona, Listen: freeAddr(t),
		HubURL: "tls://" + n.hub.LeafListen,
		TLS:    natsconf.TLSIn(n.Identity(natsconf.LeafID(bustest.TrustDomain, bustest.Cremona))),
	}
	return n
}

// connect connects a program as bus.Connect does, and reconnects for ever.
func (n *denyNetwork) connect(t *testing.T, addr string, id identity.ID) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("tls://"+addr, nats.Secure(n.ClientTLS(id)), nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond), nats.IgnoreAuthErrorAbort())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func reload(t *testing.T, s *natsserver.Server, of interface{ Config() (string, error) }) {
	t.Helper()
	config, err := of.Config()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(config); err != nil {
		t.Fatal(err)
	}
}

// Ensure a client that is denied loses its connection when the broker gets the new configuration, and cannot come back;
// others stay connected.
func TestReload_DropsDeniedClients(t *testing.T) {
	t.Parallel()
	n := newDenyNetwork(t)
	hub, leaf := startBroker(t, n.hub), startBroker(t, n.leaf)
	intake := nodeID("lombardia", "cremona", "service", "intake")
	monitor := nodeID("all", "centre", "ops", "monitor")
	reporting := n.connect(t, n.hub.Listen, nodeID("all", "centre", "service", "reporting"))
	denied := []*nats.Conn{
		n.connect(t, n.hub.Listen, monitor), n.connect(t, n.hub.Listen, intake),
		n.connect(t, n.leaf.Listen, intake),
	}
	n.hub.Denied, n.leaf.Denied = denying(intake, monitor), denying(intake, monitor)
	reload(t, hub, n.hub)
	reload(t, leaf, n.leaf)
	for _, nc := range denied {
		bustest.Eventually(t, func() bool { return !nc.IsConnected() })
	}
	bustest.Remains(t, func() bool {
		return !denied[0].IsConnected() && !denied[1].IsConnected() && !denied[2].IsConnected()
	})
	if !reporting.IsConnected() || reporting.Stats().Reconnects > 0 {
		t.Error("a client that is not denied lost its connection")
	}
}

// Ensure a denied leaf cannot link to a hub that was restarted with the new configuration. A reload is not enough.
func TestHub_RefusesDeniedLeaf(t *testing.T) {
	t.Parallel()
	n := newDenyNetwork(t)
	hub := startBroker(t, n.hub)
	startBroker(t, n.leaf)
	bustest.Eventually(t, func() bool { return hub.Leaves() == 1 })
	n.hub.Denied = denying(natsconf.LeafID(bustest.TrustDomain, bustest.Cremona))
	reload(t, hub, n.hub)
	hub.Stop()
	hub = startBroker(t, n.hub)
	bustest.Remains(t, func() bool { return hub.Leaves() == 0 })
}

// Ensure a leaf leaves a hub that is denied when it gets the new configuration.
func TestReload_LeavesADeniedHub(t *testing.T) {
	t.Parallel()
	n := newDenyNetwork(t)
	hub, leaf := startBroker(t, n.hub), startBroker(t, n.leaf)
	bustest.Eventually(t, func() bool { return hub.Leaves() == 1 })
	n.leaf.Denied = denying(natsconf.HubID(bustest.TrustDomain))
	reload(t, leaf, n.leaf)
	bustest.Eventually(t, func() bool { return hub.Leaves() == 0 })
	bustest.Remains(t, func() bool { return hub.Leaves() == 0 })
}
