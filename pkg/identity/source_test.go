package identity_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
)

var (
	portal = rpctest.ID("lombardia", "cremona", identity.KindSystem, "portal")
	intake = rpctest.ID("lombardia", "cremona", identity.KindService, "intake")
	cases  = rpctest.ID("lombardia", "cremona", identity.KindService, "casemanagement")
)

func newAuthority(t *testing.T) *devpki.Authority {
	t.Helper()
	a, err := devpki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issue writes a new identity directory over dir. It sets the modification times, because those of a coarse clock may
// be the same as before.
func issue(t *testing.T, a *devpki.Authority, id identity.ID, dir string) {
	t.Helper()
	if err := a.Issue(id, dir); err != nil {
		t.Fatal(err)
	}
	renewed := time.Now().Add(time.Hour)
	for _, name := range []string{identity.CertFile, identity.KeyFile, identity.CAFile} {
		if err := os.Chtimes(filepath.Join(dir, name), renewed, renewed); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t *testing.T, a *devpki.Authority, id identity.ID) (source *identity.Source, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := a.Issue(id, dir); err != nil {
		t.Fatal(err)
	}
	s, err := identity.LoadSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// peer is the TLS state of a client that presents a certificate with these dates.
func peer(t *testing.T, a *devpki.Authority, id identity.ID, from, to time.Time) tls.ConnectionState {
	t.Helper()
	dir := t.TempDir()
	if err := a.IssueFor(id, dir, from, to); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{pair.Leaf}}
}

func validPeer(t *testing.T, a *devpki.Authority, id identity.ID) tls.ConnectionState {
	t.Helper()
	return peer(t, a, id, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// Ensure a certificate that was verified once is checked again at every call: its dates, and the current authorities.
func TestSource_VerifyPeer(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	s, dir := load(t, ours, intake)
	now := time.Now()
	valid := validPeer(t, ours, portal)
	foreign := portal
	foreign.TrustDomain = "elsewhere.test"
	for _, c := range []struct {
		name  string
		state tls.ConnectionState
		at    time.Time
		ok    bool
	}{
		{"valid", valid, now, true},
		{"valid, from the cache", valid, now, true},
		{"cached, after its end", valid, now.Add(2 * time.Hour), false},
		{"cached, before its beginning", valid, now.Add(-2 * time.Hour), false},
		{"valid, once more", valid, now, true},
		{"expired", peer(t, ours, portal, now.Add(-2*time.Hour), now.Add(-time.Hour)), now, false},
		{"another authority", validPeer(t, others, portal), now, false},
		{"another trust domain", validPeer(t, ours, foreign), now, false},
		{"another trust domain, again", validPeer(t, ours, foreign), now, false},
		{"no certificate", tls.ConnectionState{}, now, false},
	} {
		id, err := s.VerifyPeer(c.state, c.at)
		if (err == nil) != c.ok || (c.ok && id != portal) {
			t.Errorf("%s: got %v, %v", c.name, id, err)
		}
	}
	if _, err := s.VerifyPeer(tls.ConnectionState{}, now); !errors.Is(err, identity.ErrNoCertificate) {
		t.Errorf("no certificate: got %v", err)
	}
	issue(t, others, intake, dir) // replaces the authority of the running server
	_, _ = s.VerifyPeer(valid, now.Add(time.Second))
	s.WaitReload()
	if id, err := s.VerifyPeer(valid, now.Add(time.Second)); err == nil {
		t.Errorf("%v of the old authority was accepted a second later", id)
	}
	if _, err := s.VerifyPeer(validPeer(t, others, portal), now.Add(time.Second)); err != nil {
		t.Errorf("new authority: %v", err)
	}
}

// Ensure a clock that was set back does not keep an old authority in force.
func TestSource_VerifyPeerReloadsAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	s, dir := load(t, ours, intake)
	now := time.Now()
	if _, err := s.VerifyPeer(validPeer(t, ours, portal), now); err != nil {
		t.Fatal(err)
	}
	issue(t, others, intake, dir)
	if _, err := s.VerifyPeer(validPeer(t, others, portal), now.Add(-time.Minute)); err != nil {
		t.Errorf("got %v", err)
	}
}

// Ensure calls within a second do not read the files again.
func TestSource_VerifyPeerReadsFilesOnceASecond(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	s, dir := load(t, ours, intake)
	now, valid := time.Now(), validPeer(t, ours, portal)
	if _, err := s.VerifyPeer(valid, now); err != nil {
		t.Fatal(err)
	}
	issue(t, newAuthority(t), intake, dir)
	for range 2 {
		if _, err := s.VerifyPeer(valid, now.Add(time.Second-time.Nanosecond)); err != nil {
			t.Errorf("got %v", err)
		}
		s.WaitReload()
	}
}

// Ensure a call does not wait for the files: it may hold the lock of a connection.
func TestSource_VerifyPeerDoesNotWaitForFiles(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s, path, err := loadDenying(t, a, intake, "", discard)
	if err != nil {
		t.Fatal(err)
	}
	now, state := time.Now(), validPeer(t, a, portal)
	if _, err := s.VerifyPeer(state, now); err != nil {
		t.Fatal(err)
	}
	release := s.BlockReload()
	write(t, path, "identities: ["+portal.String()+"]")
	done := make(chan error, 1)
	go func() { _, err := s.VerifyPeer(state, now.Add(time.Second)); done <- err }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the call waits")
	}
	release()
	s.WaitReload()
	if _, err := s.VerifyPeer(state, now.Add(time.Second)); err == nil {
		t.Error("the files were not read in the background")
	}
}

// Ensure clients that present ever new certificates cannot fill the memory.
func TestSource_BoundsVerifiedCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s, _ := load(t, a, intake)
	now, state := time.Now(), validPeer(t, a, portal)
	for range identity.MaxVerified + 1 {
		certificate := *state.PeerCertificates[0] // the key of the cache is the address
		again := tls.ConnectionState{PeerCertificates: []*x509.Certificate{&certificate}}
		if _, err := s.VerifyPeer(again, now); err != nil {
			t.Fatal(err)
		}
		if n := s.Verified(); n == 0 || n > identity.MaxVerified {
			t.Fatalf("%d certificates are cached", n)
		}
	}
}

// Ensure a renewal that is incomplete or wrong leaves the last good certificate in force.
func TestSource_KeepsTheLastGoodFiles(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, dir string){
		"missing file": func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, identity.CAFile)); err != nil {
				t.Fatal(err)
			}
		},
		"key of another certificate": func(t *testing.T, dir string) {
			other := t.TempDir()
			issue(t, newAuthority(t), intake, other)
			key := filepath.Join(other, identity.KeyFile)
			if err := os.Rename(key, filepath.Join(dir, identity.KeyFile)); err != nil {
				t.Fatal(err)
			}
		},
		"no authority": func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, identity.CAFile), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"not an identity": func(t *testing.T, dir string) {
			issue(t, newAuthority(t), identity.ID{TrustDomain: "pari.test", Name: "x"}, dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			s, dir := load(t, a, intake)
			before, err := s.ServerTLS().GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			damage(t, dir)
			after, err := s.ServerTLS().GetCertificate(nil)
			if err != nil || after != before || s.ID() != intake {
				t.Errorf("got another certificate, %v, %v", s.ID(), err)
			}
			if _, err := s.VerifyPeer(validPeer(t, a, portal), time.Now()); err != nil {
				t.Errorf("client of the last good authority: %v", err)
			}
			if _, err := identity.LoadSource(dir); err == nil {
				t.Error("a new process loaded the damaged files")
			}
		})
	}
}

// Ensure a renewed certificate is presented without a restart.
func TestSource_PresentsARenewedCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s, dir := load(t, a, intake)
	before, err := s.ServerTLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	issue(t, a, portal, dir)
	after, err := s.ClientTLS(nil).GetClientCertificate(nil)
	if err != nil || after == before || s.ID() != portal {
		t.Errorf("got %v, %v", s.ID(), err)
	}
}

// handshake connects a client and a server and returns the errors of both.
func handshake(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	a, b := net.Pipe()
	clientDone := make(chan error, 1)
	go func() {
		conn := tls.Client(a, client)
		err := conn.Handshake()
		if err == nil {
			_, err = conn.Read(make([]byte, 1)) // the server may still refuse the certificate
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		_ = a.Close()
		clientDone <- err
	}()
	conn := tls.Server(b, server)
	serverErr = conn.Handshake()
	_ = conn.Close()
	return <-clientDone, serverErr
}

// Ensure a client accepts a server by its authority and its identity.
func TestSource_ClientTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	client, _ := load(t, a, portal)
	server, _ := load(t, a, intake)
	stranger, _ := load(t, newAuthority(t), intake)
	expiredDir := t.TempDir()
	if err := a.IssueFor(intake, expiredDir, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	expired, err := identity.LoadSource(expiredDir)
	if err != nil {
		t.Fatal(err)
	}
	foreignID := intake
	foreignID.TrustDomain = "elsewhere.test"
	foreign, _ := load(t, a, foreignID) // the same authority serves two networks
	anyID := func(identity.ID) bool { return true }
	is := func(want identity.ID) func(identity.ID) bool { return func(id identity.ID) bool { return id == want } }
	for name, c := range map[string]struct {
		server *identity.Source
		accept func(identity.ID) bool
		ok     bool
	}{
		"expected identity": {server, is(intake), true},
		"another identity":  {server, is(portal), false},
		"another authority": {stranger, anyID, false},
		"expired":           {expired, anyID, false},
		"trust domain":      {foreign, anyID, false},
		"a system":          {client, anyID, false},
	} {
		if err, _ := handshake(t, client.ClientTLS(c.accept), c.server.ServerTLS()); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Ensure StrictServerTLS refuses in the handshake what ServerTLS leaves to VerifyPeer.
func TestSource_StrictServerTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	server, _ := load(t, a, intake)
	client, _ := load(t, a, portal)
	stranger, _ := load(t, newAuthority(t), portal)
	accept := func(identity.ID) bool { return true }
	anonymous := &tls.Config{InsecureSkipVerify: true}
	unverified := stranger.ClientTLS(accept)
	unverified.VerifyConnection = nil
	for name, c := range map[string]struct {
		client *tls.Config
		ok     bool
	}{
		"valid": {client.ClientTLS(accept), true}, "no certificate": {anonymous, false},
		"another authority": {unverified, false},
	} {
		if _, err := handshake(t, c.client, server.StrictServerTLS()); (err == nil) != c.ok {
			t.Errorf("strict, %s: %v", name, err)
		}
		if _, err := handshake(t, c.client, server.ServerTLS()); err != nil {
			t.Errorf("not strict, %s: %v", name, err)
		}
	}
}

// loadFor loads an identity whose certificate is valid for a given time. It accepts certificates of others that are
// valid for up to limit.
func loadFor(t *testing.T, a *devpki.Authority, id identity.ID, validity, limit time.Duration) *identity.Source {
	t.Helper()
	dir, from := t.TempDir(), time.Now().Add(-time.Minute).Truncate(time.Second)
	if err := a.IssueFor(id, dir, from, from.Add(validity)); err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSource(identity.SourceConfig{Dir: dir, MaxValidity: limit})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensure a certificate that is valid for longer than the limit is refused by clients and servers, whatever is left of
// it. The limit is 90 days, unless the configuration sets another.
func TestSource_LimitsValidity(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	accept := func(identity.ID) bool { return true }
	const day = 24 * time.Hour
	for _, c := range []struct {
		validity, limit time.Duration
		ok              bool
	}{
		{90 * day, 0, true}, {90*day + time.Second, 0, false}, {365 * day, 0, false},
		{time.Hour, time.Hour, true}, {time.Hour + time.Second, time.Hour, false}, {365 * day, 366 * day, true},
	} {
		ours, theirs := loadFor(t, a, intake, time.Hour, c.limit), loadFor(t, a, cases, c.validity, 0)
		if err, _ := handshake(t, ours.ClientTLS(accept), theirs.ServerTLS()); (err == nil) != c.ok {
			t.Errorf("a server with %s, limit %s: %v", c.validity, c.limit, err)
		}
		if _, err := handshake(t, theirs.ClientTLS(accept), ours.StrictServerTLS()); (err == nil) != c.ok {
			t.Errorf("a client with %s, limit %s: %v", c.validity, c.limit, err)
		}
		cert, err := theirs.ServerTLS().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}}
		for range 2 { // also from the cache
			if _, err := ours.VerifyPeer(state, time.Now()); (err == nil) != c.ok {
				t.Errorf("a call with %s, limit %s: %v", c.validity, c.limit, err)
			}
		}
	}
}
