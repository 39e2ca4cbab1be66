// Package bustest runs the brokers of a network in a test: a hub with the stream, and one leaf per node, with the
// configuration and the kind of certificates that production has. The link between a leaf and the hub can be cut.
//
// The brokers and proxies run in goroutines of this process and stop when the test ends.
package bustest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/loopback"
	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// TrustDomain is the trust domain of all certificates of a Network.
const TrustDomain = "pari.test"

// Nodes that most tests use.
var (
	Cremona = tenant.ID{Region: "lombardia", Node: "cremona"}
	Cuneo   = tenant.ID{Region: "piemonte", Node: "cuneo"}
)

// Network is a hub and its leaves.
type Network struct {
	t       testing.TB
	pki     *devpki.Authority
	conf    natsconf.Hub
	hub     *natsserver.Server // nil while it is stopped
	leaves  map[tenant.ID]*Leaf
	signers map[string]*bus.Signer // by owner
	keysDir string
}

// Leaf is the broker of a node.
type Leaf struct {
	*natsserver.Server
	// Link is the connection to the hub.
	Link *Proxy

	conf string
}

// New starts a hub with the stream, and a connected leaf for each node.
func New(t testing.TB, nodes ...tenant.ID) *Network {
	t.Helper()
	n := &Network{
		t: t, keysDir: t.TempDir(),
		leaves: map[tenant.ID]*Leaf{}, signers: map[string]*bus.Signer{},
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
		n.conf.Nodes = append(n.conf.Nodes, natsconf.Node{Tenant: node})
		n.AddKey(bus.Owner(node))
	}
	n.AddKey(bus.CentreOwner)
	t.Cleanup(n.stop)
	n.StartHub()
	if _, err := bus.EnsureStream(t.Context(), n.Centre("reporting"), bus.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		n.addLeaf(node)
		n.StartLeaf(node)
	}
	Eventually(t, func() bool { return n.hub.Leaves() == len(nodes) })
	return n
}

func (n *Network) stop() {
	for _, l := range n.leaves {
		if l.Server != nil {
			l.Stop()
		}
	}
	n.StopHub()
}

// addLeaf configures the leaf of a node, with a proxy before the hub.
func (n *Network) addLeaf(node tenant.ID) {
	n.t.Helper()
	l := &Leaf{Link: NewProxy(n.t, n.conf.LeafListen)}
	var err error
	l.conf, err = natsconf.Leaf{
		TrustDomain: TrustDomain, Tenant: node,
		Listen: freeAddr(n.t), HubURL: "tls://" + l.Link.Addr(),
		TLS: natsconf.TLSIn(n.Identity(natsconf.LeafID(TrustDomain, node))),
	}.Config()
	if err != nil {
		n.t.Fatal(err)
	}
	n.leaves[node] = l
}

// StartLeaf starts a stopped leaf on the same address.
func (n *Network) StartLeaf(node tenant.ID) {
	n.t.Helper()
	l := n.leaves[node]
	var err error
	if l.Server, err = natsserver.Start(context.WithoutCancel(n.t.Context()), l.conf, logger()); err != nil {
		n.t.Fatal(err)
	}
}

// StartHub starts a stopped hub on the same addresses and store.
func (n *Network) StartHub() {
	n.t.Helper()
	conf, err := n.conf.Config()
	if err != nil {
		n.t.Fatal(err)
	}
	if n.hub, err = natsserver.Start(context.WithoutCancel(n.t.Context()), conf, logger()); err != nil {
		n.t.Fatal(err)
	}
}

// StopHub stops the hub and retains its store.
func (n *Network) StopHub() {
	if n.hub != nil {
		n.hub.Stop()
		n.hub = nil
	}
}

// LoseStore deletes the store of a stopped hub.
func (n *Network) LoseStore() {
	n.t.Helper()
	if n.hub != nil {
		n.t.Fatal("the hub is running")
	}
	if err := os.RemoveAll(n.conf.StoreDir); err != nil {
		n.t.Fatal(err)
	}
}

// Hub returns the running hub, nil while it is stopped.
func (n *Network) Hub() *natsserver.Server { return n.hub }

// Leaf returns the leaf of a node.
func (n *Network) Leaf(node tenant.ID) *Leaf { return n.leaves[node] }

// HubURL is the hub's address for services of the centre. It is the same after a restart.
func (n *Network) HubURL() string { return "tls://" + n.conf.Listen }

// LeafListener is the hub's address for leaves, without a proxy.
func (n *Network) LeafListener() string { return n.conf.LeafListen }

// Connect connects a service of a node to its leaf.
func (n *Network) Connect(node tenant.ID, service string) *nats.Conn {
	n.t.Helper()
	return n.connect(n.leaves[node].URL(), serviceID(node, service))
}

// Centre connects a service of the centre to the hub.
func (n *Network) Centre(service string) *nats.Conn {
	n.t.Helper()
	return n.connect(n.HubURL(), serviceID(tenant.Centre, service))
}

func serviceID(t tenant.ID, service string) identity.ID {
	return identity.ID{
		TrustDomain: TrustDomain, Tenant: t, Kind: identity.KindService, Name: service,
	}
}

func (n *Network) connect(url string, id identity.ID) *nats.Conn {
	n.t.Helper()
	nc, err := bus.Connect(n.t.Context(), bus.Config{
		URL: url, Name: id.String(), Identity: n.Source(id),
		InboxPrefix: bus.InboxPrefix(id.Tenant, id.Name), Log: logger(),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(nc.Close)
	Eventually(n.t, nc.IsConnected)
	return nc
}

// logger discards the log unless PARI_TEST_LOG is set.
func logger() *slog.Logger {
	if os.Getenv("PARI_TEST_LOG") != "" {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}

// Identity issues a certificate for id and returns its directory.
func (n *Network) Identity(id identity.ID) string {
	n.t.Helper()
	dir := n.t.TempDir()
	if err := n.pki.Issue(id, dir); err != nil {
		n.t.Fatal(err)
	}
	return dir
}

// Source returns the identity of a program with a fresh certificate for id.
func (n *Network) Source(id identity.ID) *identity.Source {
	n.t.Helper()
	source, err := identity.LoadSource(n.Identity(id))
	if err != nil {
		n.t.Fatal(err)
	}
	return source
}

// ClientTLS returns the TLS configuration of a program with a fresh certificate for id.
func (n *Network) ClientTLS(id identity.ID) *tls.Config {
	n.t.Helper()
	return n.Source(id).ClientTLS(bus.AcceptBroker(id))
}

// Signer returns the signer of "<region>.<node>" or "centre".
func (n *Network) Signer(owner string) *bus.Signer {
	n.t.Helper()
	s, ok := n.signers[owner]
	if !ok {
		n.t.Fatalf("%s has no signing key", owner)
	}
	return s
}

// Keys returns the public keys of all nodes and of the centre.
func (n *Network) Keys() *bus.PublicKeys {
	n.t.Helper()
	k, err := bus.LoadPublicKeys(n.keysDir, slog.New(slog.DiscardHandler))
	if err != nil {
		n.t.Fatal(err)
	}
	return k
}

// KeysDir is the directory of the public keys.
func (n *Network) KeysDir() string { return n.keysDir }

// AddKey creates a signing key for "<region>.<node>" or "centre".
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

// AnswerHeartbeats answers every relay that awaits a watermark, as a centre that has no event does.
func (n *Network) AnswerHeartbeats() {
	n.t.Helper()
	conn, signer := n.Centre("reporting"), n.Signer(bus.CentreOwner)
	_, err := conn.Subscribe(bus.AllHeartbeats, func(m *nats.Msg) {
		p, err := bus.ParseHeartbeatSubject(m.Subject)
		if err != nil {
			return
		}
		var h feedv1.Heartbeat
		if err := proto.Unmarshal(m.Data, &h); err != nil || !h.GetAwaitsWatermark() {
			return
		}
		answer, err := bus.SignMessage(p.WatermarkSubject(), &feedv1.Watermark{
			Source: p.Source, AcknowledgedHash: bus.Genesis[:],
		}, signer)
		if err == nil {
			_ = conn.PublishMsg(answer) // the relay asks again
		}
	})
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// freeAddr reserves an address on loopback.
func freeAddr(t testing.TB) string {
	t.Helper()
	addr, err := loopback.Addr(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

const (
	pollInterval      = 5 * time.Millisecond
	eventuallyTimeout = 20 * time.Second
)

// Eventually polls condition until it holds, and fails the test after twenty seconds.
func Eventually(t testing.TB, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	deadline := time.After(eventuallyTimeout)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("condition not met within %s", eventuallyTimeout)
		}
	}
}

// remainsFor is several times as long as a broker or a program waits before it connects again.
const remainsFor = 2 * time.Second

// Remains polls condition for two seconds, and fails the test when it does not hold: what must not happen has had the
// time to happen.
func Remains(t testing.TB, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for end := time.After(remainsFor); ; {
		if !condition() {
			t.Fatal("condition did not remain met")
		}
		select {
		case <-tick.C:
		case <-end:
			return
		}
	}
}
