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
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/dev/idp"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// env holds an authority, a folder for keys and certificates, and an HTTP client that trusts the authority.
type env struct {
	authority *devpki.Authority
	dir       string
	client    *http.Client
}

func newEnv(t *testing.T) *env {
	t.Helper()
	dir := t.TempDir()
	a, err := devpki.Open(filepath.Join(dir, "authority"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	client := &http.Client{Timeout: 10 * time.Second, Transport: transport}
	t.Cleanup(client.CloseIdleConnections)
	return &env{a, dir, client}
}

var users = idp.Users(map[string]tenant.ID{"cremona": {Region: "lombardia", Node: "cremona"}})

// issuers returns what a service that trusts the provider loads.
func (e *env) issuers(t *testing.T, issuer string) *identity.Issuers {
	t.Helper()
	file, err := idp.IssuersFile(idp.Issuer{
		Name: "sign-in", URL: issuer, CAFile: e.authority.CAPath(), Users: users,
		Tenants: []tenant.ID{tenant.Centre, {Region: "lombardia", Node: "cremona"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "issuers.yaml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	issuers, err := identity.LoadIssuers(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return issuers
}

// start runs a provider on addr and returns its issuer and a function that stops it.
func (e *env) start(t *testing.T, addr, tokenKey string) (issuer string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	id := identity.ID{
		TrustDomain: "pari.test", Tenant: tenant.Centre, Kind: identity.KindService, Name: "issuer",
	}
	if err := e.authority.Issue(id, e.dir); err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(e.dir, identity.CertFile), filepath.Join(e.dir, identity.KeyFile)
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	issuer = "https://" + l.Addr().String()
	p, err := idp.New(idp.Config{
		Listener: l, TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13},
		Issuer: issuer, Users: users,
		Log: slog.New(slog.DiscardHandler), SigningKeyFile: filepath.Join(e.dir, tokenKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return issuer, stop
}

// Ensure that a person can sign in, and that a service verifies the token with the keys that discovery returns.
func TestProvider_SignIn(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	issuer, _ := e.start(t, "127.0.0.1:0", "token-key.pem")
	for name, want := range map[string]string{"operator-cremona": "operator", "analyst": "analyst"} {
		token, expires, err := client.SignIn(t.Context(), e.client, issuer, name)
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(expires); left < 50*time.Minute || left > 61*time.Minute {
			t.Errorf("%s: expires in %s", name, left)
		}
		person, grants, err := e.issuers(t, issuer).Verify(t.Context(), token)
		if err != nil || person != name+"@sign-in" || len(grants) != 1 {
			t.Fatalf("%s: got %s, %+v, %v", name, person, grants, err)
		}
		if role, _ := identity.ParseRole(want); grants[0].Role != role {
			t.Errorf("%s: got %+v", name, grants)
		}
	}
}

func TestProvider_UnknownUserListsUsers(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	issuer, _ := e.start(t, "127.0.0.1:0", "token-key.pem")
	_, _, err := client.SignIn(t.Context(), e.client, issuer, "mario")
	if err == nil || !strings.Contains(err.Error(), "operator-cremona") {
		t.Errorf("got %v", err)
	}
}

// Ensure that a token is valid after a restart of the provider, and that a token of another key is refused.
func TestProvider_ReusesSigningKey(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	issuer, stop := e.start(t, "127.0.0.1:0", "token-key.pem")
	token, _, err := client.SignIn(t.Context(), e.client, issuer, "analyst")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	addr := strings.TrimPrefix(issuer, "https://")
	_, stop = e.start(t, addr, "token-key.pem")
	if _, _, err := e.issuers(t, issuer).Verify(t.Context(), token); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	stop()
	e.start(t, addr, "other-key.pem")
	if _, _, err := e.issuers(t, issuer).Verify(t.Context(), token); err == nil {
		t.Error("a token of another key was accepted")
	}
}

func TestNew_RefusesNonLoopback(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := idp.New(idp.Config{Listener: l}); err == nil {
		t.Error("a listener on all addresses was accepted")
	}
}

// do sends a request without following redirects, and returns the response and its body.
func (e *env) do(t *testing.T, method, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	browser := &http.Client{Transport: e.client.Transport, CheckRedirect: noRedirect}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

const (
	authorize = "/authorize?response_type=code&client_id=pari&scope=openid&state=x" +
		"&redirect_uri=http://127.0.0.1/callback"
	challenge = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method="
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of the challenge above: RFC 7636, appendix B
)

// Ensure that a request is refused before the login page when its challenge is missing or plain, its redirect URI is
// not the client's, or its response mode is a form.
func TestProvider_RequiresPKCE(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	issuer, _ := e.start(t, "127.0.0.1:0", "token-key.pem")
	for params, want := range map[string]bool{
		"": false, challenge + "plain": false, challenge + "S256": true,
		challenge + "S256&response_mode=form_post": false, challenge + "S256&redirect_uri=https://example.com/": false,
	} {
		resp, _ := e.do(t, http.MethodGet, issuer+authorize+params, nil)
		location := resp.Header.Get("Location")
		if got := strings.HasPrefix(location, "/login"); got != want {
			t.Errorf("%q: %s, redirected to %q", params, resp.Status, location)
		}
	}
}

// Ensure that a code is issued only after the sign-in, and is exchanged once, with the verifier of its challenge.
func TestProvider_ExchangesCodeOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	issuer, _ := e.start(t, "127.0.0.1:0", "token-key.pem")
	resp, _ := e.do(t, http.MethodGet, issuer+authorize+challenge+"S256", nil)
	login, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	id := login.Query().Get("request")
	fetchCode := func() string {
		resp, _ := e.do(t, http.MethodGet, issuer+"/authorize/callback?id="+id, nil)
		callback, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		return callback.Query().Get("code")
	}
	if got := fetchCode(); got != "" {
		t.Fatal("a code was issued before the sign-in")
	}
	e.do(t, http.MethodPost, issuer+"/login", url.Values{"request": {id}, "user": {"analyst"}})
	form := func(grant, verifier, code string) url.Values {
		return url.Values{
			"grant_type": {grant}, "client_id": {"pari"}, "code": {code}, "code_verifier": {verifier},
			"redirect_uri": {"http://127.0.0.1/callback"},
		}
	}
	code := fetchCode()
	for _, try := range []struct {
		form url.Values
		want int
	}{
		{form("refresh_token", verifier, code), http.StatusBadRequest},
		{form("authorization_code", strings.Repeat("x", 43), code), http.StatusBadRequest},
		{form("authorization_code", verifier, code+"x"), http.StatusBadRequest},
		{form("authorization_code", verifier, code), http.StatusOK},
		{form("authorization_code", verifier, code), http.StatusBadRequest},
	} {
		if resp, body := e.do(t, http.MethodPost, issuer+"/oauth/token", try.form); resp.StatusCode != try.want {
			t.Errorf("%v: %s, %s", try.form, resp.Status, body)
		}
	}
}

// Ensure that the login page escapes the request id of its URL.
func TestProvider_EscapesLoginPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	issuer, _ := e.start(t, "127.0.0.1:0", "token-key.pem")
	_, page := e.do(t, http.MethodGet, issuer+"/login?request="+url.QueryEscape(`"><script>`), nil)
	if strings.Contains(page, "<script>") || !strings.Contains(page, `value="operator-cremona"`) {
		t.Error(page)
	}
}
