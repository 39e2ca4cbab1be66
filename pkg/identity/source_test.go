package identity_test

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/identity"
)

func portal() identity.ID {
	return identity.ID{TrustDomain: "pari.test", Region: "lombardia", Node: "cremona", Kind: identity.KindSystem, Name: "portal"}
}

func authority(t *testing.T) *devpki.Authority {
	t.Helper()
	a, err := devpki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shown is the connection of a client that shows a certificate of the authority, valid as given.
func shown(t *testing.T, a *devpki.Authority, from, to time.Time) tls.ConnectionState {
	t.Helper()
	dir := t.TempDir()
	if err := a.IssueFor(portal(), dir, from, to); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{pair.Leaf}}
}

func server(t *testing.T, a *devpki.Authority, dir string) *identity.Source {
	t.Helper()
	id := portal()
	id.Kind, id.Name = identity.KindService, "intake"
	if err := a.Issue(id, dir); err != nil {
		t.Fatal(err)
	}
	s, err := identity.LoadSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensure a certificate that was found good is judged again at every call: by its dates, and by the authorities of this
// second.
func TestSource_Peer(t *testing.T) {
	t.Parallel()
	ours, others := authority(t), authority(t)
	dir := t.TempDir()
	s := server(t, ours, dir)
	now := time.Now()
	state := shown(t, ours, now.Add(-time.Hour), now.Add(time.Hour))
	for _, c := range []struct {
		name  string
		state tls.ConnectionState
		at    time.Time
		good  bool
	}{
		{"valid", state, now, true},
		{"valid, again", state, now, true},
		{"after its end, although it was good", state, now.Add(2 * time.Hour), false},
		{"before its beginning, although it was good", state, now.Add(-2 * time.Hour), false},
		{"valid, once more", state, now, true},
		{"of another authority", shown(t, others, now.Add(-time.Hour), now.Add(time.Hour)), now, false},
		{"none", tls.ConnectionState{}, now, false},
	} {
		id, err := s.VerifyPeer(c.state, c.at)
		if (err == nil) != c.good || (c.good && id != portal()) {
			t.Errorf("%s: got %v, %v", c.name, id, err)
		}
	}
	server(t, others, dir) // the authority is exchanged under the running server
	if id, err := s.VerifyPeer(state, now.Add(time.Second)); err == nil {
		t.Errorf("a second later the old authority's %v is still welcome", id)
	}
}
