package identity_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
)

// loadDenying loads an identity with a deny list of its own, and returns the list's path.
func loadDenying(
	t *testing.T, a *devpki.Authority, id identity.ID, list string, log *slog.Logger,
) (source *identity.Source, path string, err error) {
	t.Helper()
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "deny.yaml")
	if err := a.Issue(id, dir); err != nil {
		t.Fatal(err)
	}
	write(t, path, list)
	source, err = identity.NewSource(identity.SourceConfig{Dir: dir, DenyFile: path, Log: log})
	return source, path, err
}

func serial(state tls.ConnectionState) *big.Int { return state.PeerCertificates[0].SerialNumber }

// withColons formats a serial number as openssl prints it.
func withColons(n *big.Int) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", n.Bytes()), " ", ":")
}

// Ensure an identity is denied with each of its certificates, and a serial number denies one certificate alone.
func TestDenyList(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	first, second := validPeer(t, a, portal), validPeer(t, a, portal)
	other := rpctest.ID("piemonte", portal.Tenant.Node, portal.Kind, portal.Name)
	namesake := validPeer(t, a, other)
	for name, c := range map[string]struct {
		list                    string
		first, second, namesake bool // accepted
	}{
		"empty file":     {"", true, true, true},
		"empty lists":    {"identities: []\nserials: []\n", true, true, true},
		"identity":       {"identities: [" + portal.String() + "]", false, false, true},
		"another region": {"identities: [" + other.String() + "]", true, true, false},
		"another name":   {"identities: [" + intake.String() + "]", true, true, true},
		"serial":         {fmt.Sprintf("serials: ['%x']", serial(first)), false, true, true},
		"upper case":     {fmt.Sprintf("serials: ['%X']", serial(first)), false, true, true},
		"leading zero":   {fmt.Sprintf("serials: ['00%x']", serial(first)), false, true, true},
		"colons":         {"serials: ['" + withColons(serial(second)) + "']", true, false, true},
		"both": {
			fmt.Sprintf("identities: [%s]\nserials: ['%x']", other, serial(second)), true, false, false,
		},
	} {
		s, _, err := loadDenying(t, a, intake, c.list, discard)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for range 2 { // also from the cache of verified certificates
			for state, ok := range map[*tls.ConnectionState]bool{
				&first: c.first, &second: c.second, &namesake: c.namesake,
			} {
				if id, err := s.VerifyPeer(*state, time.Now()); (err == nil) != ok {
					t.Errorf("%s: %x is %s, %v", name, serial(*state), id, err)
				}
			}
		}
	}
}

// Ensure a mistake in the list ends the start: what it should deny would be accepted.
func TestNewSource_RefusesABrokenDenyList(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for name, list := range map[string]string{
		"not a list":      portal.String(),
		"unknown key":     "identity: [" + portal.String() + "]",
		"not an identity": "identities: [portal]",
		"wildcard":        "identities: ['spiffe://pari.test/region/*/node/cremona/system/portal']",
		"not hexadecimal": "serials: [xyz]",
		"empty serial":    "serials: ['']",
		"colons alone":    "serials: ['::']",
		"not YAML":        "identities: [",
		"two documents":   "serials: [aa]\n---\nidentities: [" + portal.String() + "]",
		"a broken second": "serials: [aa]\n---\nidentities: [",
	} {
		if s, _, err := loadDenying(t, a, intake, list, discard); err == nil || s != nil {
			t.Errorf("%s: loaded, %v", name, err)
		} else if !strings.HasPrefix(err.Error(), "deny list: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, dir := load(t, a, intake)
	missing := identity.SourceConfig{Dir: dir, DenyFile: filepath.Join(dir, "missing.yaml")}
	if s, err := identity.NewSource(missing); err == nil || s != nil {
		t.Error("a list that does not exist was accepted")
	}
}

// Ensure a change of the list takes effect within a second on connections that are open, and that a broken one leaves
// the last good one in force.
func TestDenyList_Reload(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	state, now := validPeer(t, a, portal), time.Now()
	var log bytes.Buffer
	s, path, err := loadDenying(t, a, intake, "", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(name string, ok bool) {
		t.Helper()
		_, _ = s.VerifyPeer(state, now)
		s.WaitReload()
		if id, err := s.VerifyPeer(state, now); (err == nil) != ok {
			t.Errorf("%s: %s, %v", name, id, err)
		}
	}
	expect("at first", true)
	denied := "identities: [" + portal.String() + "]"
	write(t, path, denied)
	now = now.Add(time.Second)
	expect("denied a second ago", false)
	write(t, path, "identities: [")
	now = now.Add(time.Second)
	expect("with a broken list", false)
	expect("with a broken list, again", false)
	if n := strings.Count(log.String(), "configuration file rejected"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	write(t, path, "")
	now = now.Add(time.Second)
	expect("no longer denied", true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	expect("without a list", true)
	// A directory in its place is found and cannot be read. The repaired file has the time and
	// the size of the directory.
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	expect("with a list that cannot be read", true)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	padding := strings.Repeat(" ", max(0, int(info.Size())-len(denied)))
	write(t, path, denied+padding)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	expect("denied in the repaired list", false)
	write(t, path, fmt.Sprintf("serials: ['%x']", serial(state)))
	now = now.Add(-time.Minute)
	expect("after the clock was set back", false)
}

// Ensure what was denied while a program was idle is refused at its first call.
func TestDenyList_AfterIdleTime(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	state, now := validPeer(t, a, portal), time.Now()
	s, path, err := loadDenying(t, a, intake, "", discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifyPeer(state, now); err != nil {
		t.Fatal(err)
	}
	write(t, path, "identities: ["+portal.String()+"]")
	if _, err := s.VerifyPeer(state, now.Add(time.Minute)); err == nil {
		t.Error("accepted")
	}
}

// Ensure brokers get the identities of a deny list, and that a mistake in it is an error.
func TestLoadDeniedIDs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deny.yaml")
	write(t, path, "identities: ["+portal.String()+"]\nserials: [aa]")
	denied, err := identity.LoadDeniedIDs(path)
	if err != nil || !denied(portal) || denied(intake) {
		t.Errorf("got %v", err)
	}
	none, err := identity.LoadDeniedIDs("")
	if err != nil || none(portal) {
		t.Errorf("without a list: %v", err)
	}
	write(t, path, "identities: [portal]")
	for _, path := range []string{path, path + ".missing"} {
		if _, err := identity.LoadDeniedIDs(path); err == nil || !strings.HasPrefix(err.Error(), "deny list: ") {
			t.Errorf("got %v", err)
		}
	}
}

// Ensure a client refuses a server that was denied after it started, and a broker's listener refuses such a client.
func TestDenyList_InHandshakes(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	portal, portalList, err := loadDenying(t, a, portal, "", discard)
	if err != nil {
		t.Fatal(err)
	}
	intake, intakeList, err := loadDenying(t, a, intake, "", discard)
	if err != nil {
		t.Fatal(err)
	}
	accept := func(identity.ID) bool { return true }
	refused := func() (byClient, byServer bool) {
		clientErr, _ := handshake(t, portal.ClientTLS(accept), intake.ServerTLS())
		client := portal.ClientTLS(accept)
		client.VerifyConnection = nil
		_, serverErr := handshake(t, client, intake.StrictServerTLS())
		return clientErr != nil, serverErr != nil
	}
	if byClient, byServer := refused(); byClient || byServer {
		t.Fatalf("refused before: by the client %t, by the server %t", byClient, byServer)
	}
	write(t, portalList, "identities: ["+intake.ID().String()+"]")
	bustest.Eventually(t, func() bool { byClient, _ := refused(); return byClient })
	if _, byServer := refused(); byServer {
		t.Error("the server refused a client that it does not deny")
	}
	write(t, intakeList, "identities: ["+portal.ID().String()+"]")
	bustest.Eventually(t, func() bool { _, byServer := refused(); return byServer })
}
