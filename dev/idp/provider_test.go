package idp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/dev/idp"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/identity"
)

// world is an authority and a place for the key of the tokens.
type world struct {
	authority *devpki.Authority
	dir       string
	client    *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	a, err := devpki.Open(filepath.Join(dir, "authority"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}}
	t.Cleanup(client.CloseIdleConnections)
	return &world{a, dir, client}
}

// start runs a provider on addr and returns its issuer and a function that stops it.
func (w *world) start(t *testing.T, addr, keyFile string) (issuer string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	id := identity.ID{TrustDomain: "pari.test", Region: "all", Node: "centre", Kind: identity.KindSystem, Name: "issuer"}
	if err := w.authority.Issue(id, w.dir); err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(w.dir, identity.CertFile), filepath.Join(w.dir, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	issuer = "https://" + l.Addr().String()
	p, err := idp.New(idp.Config{
		Listener: l, TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}, Issuer: issuer,
		Users: idp.Users(map[string]string{"cremona": "lombardia"}), Log: slog.New(slog.DiscardHandler), SigningKeyFile: filepath.Join(w.dir, keyFile),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return issuer, stop
}

// Ensure people sign in and services know them by discovery alone.
func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuer, _ := w.start(t, "127.0.0.1:0", "token-key.pem")
	for name, want := range map[string]string{"operator-cremona": "operator", "analyst": "analyst"} {
		token, expires, err := client.SignIn(t.Context(), w.client, issuer, name)
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(expires); left < 50*time.Minute || left > 61*time.Minute {
			t.Errorf("%s: expires in %s", name, left)
		}
		person, err := identity.NewVerifier(issuer, w.client).Verify(t.Context(), token)
		if err != nil || person.Subject != name || len(person.Grants) != 1 {
			t.Fatalf("%s: got %+v, %v", name, person, err)
		}
		if role, _ := identity.ParseRole(want); person.Grants[0].Role != role {
			t.Errorf("%s: got %+v", name, person.Grants)
		}
	}
}

func TestLogin_NamesWhoIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuer, _ := w.start(t, "127.0.0.1:0", "token-key.pem")
	if _, _, err := client.SignIn(t.Context(), w.client, issuer, "mario"); err == nil || !strings.Contains(err.Error(), "operator-cremona") {
		t.Errorf("got %v", err)
	}
}

// Ensure a token outlives a restart of the provider, and one that another key signed is refused.
func TestProvider_KeepsItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuer, stop := w.start(t, "127.0.0.1:0", "token-key.pem")
	token, _, err := client.SignIn(t.Context(), w.client, issuer, "analyst")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	addr := strings.TrimPrefix(issuer, "https://")
	_, stop = w.start(t, addr, "token-key.pem")
	if _, err := identity.NewVerifier(issuer, w.client).Verify(t.Context(), token); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	stop()
	w.start(t, addr, "other-key.pem")
	if _, err := identity.NewVerifier(issuer, w.client).Verify(t.Context(), token); err == nil {
		t.Error("another provider's token was taken")
	}
}

func TestNew_RefusesToAnswerEverybody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := idp.New(idp.Config{Listener: l}); err == nil {
		t.Error("it would have listened on every address")
	}
}

// ask sends a request without following where it leads, and returns the answer with its text.
func (w *world) ask(t *testing.T, method, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	browser := &http.Client{Transport: w.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

const (
	authorize = "/authorize?response_type=code&client_id=pari&scope=openid&state=x&redirect_uri=http://127.0.0.1/callback"
	challenge = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method="
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of the challenge above: RFC 7636, appendix B
)

// Ensure nobody is asked to sign in for a client that sends no challenge, or one in clear (its code could be stolen), that
// wants to be answered elsewhere, or that wants a form.
func TestProvider_WantsPKCE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuer, _ := w.start(t, "127.0.0.1:0", "token-key.pem")
	for more, want := range map[string]bool{
		"": false, challenge + "plain": false, challenge + "S256": true,
		challenge + "S256&response_mode=form_post": false, challenge + "S256&redirect_uri=https://example.com/": false,
	} {
		answer, _ := w.ask(t, http.MethodGet, issuer+authorize+more, nil)
		if asked := strings.HasPrefix(answer.Header.Get("Location"), "/login"); asked != want {
			t.Errorf("%q: %s, led to %q", more, answer.Status, answer.Header.Get("Location"))
		}
	}
}

// Ensure a code is given only to who has signed in, and taken once, with the secret behind its challenge, for tokens.
func TestProvider_GuardsTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuer, _ := w.start(t, "127.0.0.1:0", "token-key.pem")
	answer, _ := w.ask(t, http.MethodGet, issuer+authorize+challenge+"S256", nil)
	login, err := answer.Location()
	if err != nil {
		t.Fatal(err)
	}
	id := login.Query().Get("request")
	code := func() string {
		answer, _ := w.ask(t, http.MethodGet, issuer+"/authorize/callback?id="+id, nil)
		back, err := answer.Location()
		if err != nil {
			t.Fatal(err)
		}
		return back.Query().Get("code")
	}
	if got := code(); got != "" {
		t.Fatal("a code before anybody signed in")
	}
	w.ask(t, http.MethodPost, issuer+"/login", url.Values{"request": {id}, "user": {"analyst"}})
	form := func(grant, secret, code string) url.Values {
		return url.Values{"grant_type": {grant}, "client_id": {"pari"}, "code": {code}, "code_verifier": {secret}, "redirect_uri": {"http://127.0.0.1/callback"}}
	}
	given := code()
	for _, try := range []struct {
		form url.Values
		want int
	}{
		{form("refresh_token", verifier, given), http.StatusBadRequest},
		{form("authorization_code", strings.Repeat("x", 43), given), http.StatusBadRequest},
		{form("authorization_code", verifier, given+"x"), http.StatusBadRequest},
		{form("authorization_code", verifier, given), http.StatusOK},
		{form("authorization_code", verifier, given), http.StatusBadRequest},
	} {
		if answer, text := w.ask(t, http.MethodPost, issuer+"/oauth/token", try.form); answer.StatusCode != try.want {
			t.Errorf("%v: %s, %s", try.form, answer.Status, text)
		}
	}
}

// Ensure what a link carries does not become part of the page.
func TestProvider_EscapesItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuer, _ := w.start(t, "127.0.0.1:0", "token-key.pem")
	_, text := w.ask(t, http.MethodGet, issuer+"/login?request="+url.QueryEscape(`"><script>`), nil)
	if strings.Contains(text, "<script>") || !strings.Contains(text, `value="operator-cremona"`) {
		t.Error(text)
	}
}
