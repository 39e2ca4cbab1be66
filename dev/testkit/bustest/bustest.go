// Package bustest runs a hub and the leaves of some nodes in a test: real brokers, real certificates, the configuration
// of production, and a link between leaf and hub that can be cut.
package bustest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/loopback"
	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
)

// TrustDomain of every certificate issued here.
const TrustDomain = "pari.test"

// Node names a node, for instance {"lombardia", "cremona"}.
type Node struct{ Region, Name string }

// Nodes that tests usually want.
var (
	Cremona = Node{"lombardia", "cremona"}
	Cuneo   = Node{"piemonte", "cuneo"}
)

// Network is a hub with the leaves that were asked for.
type Network struct {
	t       testing.TB
	pki     *devpki.Authority
	conf    natsconf.Hub
	hub     *natsserver.Server
	leaves  map[Node]*Leaf
	signers map[string]*bus.Signer
	keysDir string
}

// Leaf is the broker of a node, with its link to the hub.
type Leaf struct {
	*natsserver.Server
	Link *Proxy
	conf string
}

// New starts the hub, with the stream, and one linked leaf for each node. Everything stops with the test.
func New(t testing.TB, nodes ...Node) *Network {
	t.Helper()
	n := &Network{
		t: t, keysDir: t.TempDir(),
		leaves: map[Node]*Leaf{}, signers: map[string]*bus.Signer{},
	}
	pki, err := devpki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	n.pki = pki
	n.conf = natsconf.Hub{
		TrustDomain: TrustDomain, Listen: freeAddr(t), LeafListen: freeAddr(t), StoreDir: t.TempDir(),
		TLS: natsconf.TLSIn(n.Identity(natsconf.HubID(TrustDomain))),
	}
	for _, node := range nodes {
		n.conf.Nodes = append(n.conf.Nodes, natsconf.Node{Region: node.Region, Name: node.Name})
		n.AddKey(node.Region + "." + node.Name)
	}
	n.AddKey(bus.CentreOwner)
	t.Cleanup(func() {
		for _, l := range n.leaves {
			l.Stop()
		}
		n.StopHub()
	})
	n.StartHub()
	centre := n.Centre("reporting")
	if _, err := bus.EnsureStream(t.Context(), centre, bus.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		n.startLeaf(node)
	}
	Eventually(t, func() bool { return n.hub.Leaves() == len(nodes) })
	return n
}

func (n *Network) startLeaf(node Node) {
	n.t.Helper()
	l := &Leaf{Link: NewProxy(n.t, n.conf.LeafListen)}
	var err error
	l.conf, err = natsconf.Leaf{
		TrustDomain: TrustDomain, Region: node.Region, Node: node.Name,
		Listen: freeAddr(n.t), HubURL: "tls://" + l.Link.Addr(),
		TLS: natsconf.TLSIn(n.Identity(natsconf.LeafID(TrustDomain, node.Region, node.Name))),
	}.Config()
	if err != nil {
		n.t.Fatal(err)
	}
	n.leaves[node] = l
	n.StartLeaf(node)
}

// StartLeaf starts the leaf of the node again, where it was.
func (n *Network) StartLeaf(node Node) {
	n.t.Helper()
	l := n.leaves[node]
	var err error
	if l.Server, err = natsserver.Start(context.WithoutCancel(n.t.Context()), l.conf, quiet()); err != nil {
		n.t.Fatal(err)
	}
}

// StartHub starts the hub again on the store and the ports that it had.
func (n *Network) StartHub() {
	n.t.Helper()
	conf, err := n.conf.Config()
	if err != nil {
		n.t.Fatal(err)
	}
	if n.hub, err = natsserver.Start(context.WithoutCancel(n.t.Context()), conf, quiet()); err != nil {
		n.t.Fatal(err)
	}
}

// StopHub stops the hub. Its store stays.
func (n *Network) StopHub() {
	if n.hub != nil {
		n.hub.Stop()
		n.hub = nil
	}
}

// LoseStore empties the disk of the stopped hub.
func (n *Network) LoseStore() {
	n.t.Helper()
	if n.hub != nil {
		n.t.Fatal("the hub is running")
	}
	if err := os.RemoveAll(n.conf.StoreDir); err != nil {
		n.t.Fatal(err)
	}
}

// Hub is the running hub.
func (n *Network) Hub() *natsserver.Server { return n.hub }

// Leaf is the running leaf of the node.
func (n *Network) Leaf(node Node) *Leaf { return n.leaves[node] }

// HubURL is where services of the centre connect, also while the hub is stopped.
func (n *Network) HubURL() string { return "tls://" + n.conf.Listen }

// LeafListener is where leaves reach the hub without a proxy between.
func (n *Network) LeafListener() string { return n.conf.LeafListen }

// Connect opens the connection of a service of the node to its leaf.
func (n *Network) Connect(node Node, service string) *nats.Conn {
	n.t.Helper()
	return n.connect(n.leaves[node].URL(), identity.ID{
		TrustDomain: TrustDomain, Region: node.Region, Node: node.Name, Kind: identity.KindService, Name: service,
	})
}

// Centre opens the connection of a service of the centre to the hub.
func (n *Network) Centre(service string) *nats.Conn {
	n.t.Helper()
	return n.connect(n.HubURL(), identity.ID{
		TrustDomain: TrustDomain, Region: identity.AllRegions, Node: identity.Centre, Kind: identity.KindService, Name: service,
	})
}

func (n *Network) connect(url string, id identity.ID) *nats.Conn {
	n.t.Helper()
	nc, err := bus.Connect(n.t.Context(), bus.Config{
		URL: url, Name: id.String(), TLS: n.ClientTLS(id), InboxPrefix: bus.InboxPrefix(id.Region, id.Node, id.Name), Log: quiet(),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(nc.Close)
	Eventually(n.t, nc.IsConnected)
	return nc
}

// Identity issues a certificate and returns its directory.
func (n *Network) Identity(id identity.ID) string {
	n.t.Helper()
	dir := n.t.TempDir()
	if err := n.pki.Issue(id, dir); err != nil {
		n.t.Fatal(err)
	}
	return dir
}

// ClientTLS is what a program with a fresh certificate for id connects with.
func (n *Network) ClientTLS(id identity.ID) *tls.Config {
	n.t.Helper()
	source, err := identity.LoadSource(n.Identity(id))
	if err != nil {
		n.t.Fatal(err)
	}
	return source.ClientTLS(bus.AcceptBroker(id))
}

// Signer signs for "<region>.<node>" or "centre".
func (n *Network) Signer(owner string) *bus.Signer {
	n.t.Helper()
	s, ok := n.signers[owner]
	if !ok {
		n.t.Fatalf("no signing key for %s", owner)
	}
	return s
}

// Keys are the public keys of all nodes and of the centre.
func (n *Network) Keys() *bus.PublicKeys {
	n.t.Helper()
	k, err := bus.LoadPublicKeys(n.keysDir)
	if err != nil {
		n.t.Fatal(err)
	}
	return k
}

// KeysDir is where those keys are.
func (n *Network) KeysDir() string { return n.keysDir }

// AddKey makes a key for "<region>.<node>" beside those of the nodes that are there.
func (n *Network) AddKey(owner string) {
	n.t.Helper()
	path, err := devpki.CreateSigningKey(owner, n.t.TempDir(), n.keysDir)
	if err != nil {
		n.t.Fatal(err)
	}
	if n.signers[owner], err = bus.LoadSigner(path); err != nil {
		n.t.Fatal(err)
	}
}

// freeAddr is an address of loopback that stays the caller's.
func freeAddr(t testing.TB) string {
	t.Helper()
	addr, err := loopback.Addr(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// Eventually looks every few milliseconds until cond holds, and fails the test after twenty seconds.
func Eventually(t testing.TB, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("did not come about in time")
		}
	}
}

func quiet() *slog.Logger {
	if os.Getenv("PARI_TEST_LOG") != "" {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}
