package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
)

// Ensure a valid token gives the person and the grants of its groups, and that unknown groups give nothing.
func TestIssuers_Verify(t *testing.T) {
	t.Parallel()
	e := rpctest.NewEnv(t)
	token := e.Token(t, "anna", "lombardia/cremona/operator", "lombardia/cremona/king", "lombardia/venezia/operator")
	person, grants, err := e.Issuers(t).Verify(t.Context(), token)
	want := []identity.Grant{{Tenant: at(t, "lombardia/cremona"), Role: operator}}
	if diff := cmp.Diff(want, grants); err != nil || diff != "" || person != "anna@test" {
		t.Errorf("got %s, %v\n%s", person, err, diff)
	}
}

// Ensure a token is refused unless everything about it is right.
func TestIssuers_RefusesInvalidTokens(t *testing.T) {
	t.Parallel()
	e, other := rpctest.NewEnv(t), rpctest.NewEnv(t)
	issuers := e.Issuers(t)
	valid := e.Token(t, "anna")
	past := time.Now().Add(-time.Hour).Unix()
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"not a token":      {"abc", identity.ErrToken},
		"not JSON":         {"a.b.c", identity.ErrToken},
		"no signature":     {valid[:strings.LastIndex(valid, ".")+1], identity.ErrToken},
		"expired":          {e.Sign(t, map[string]any{"sub": "anna", "exp": past}), identity.ErrTokenExpired},
		"another audience": {e.Sign(t, map[string]any{"sub": "anna", "aud": "mail"}), identity.ErrToken},
		"another issuer":   {other.Token(t, "anna"), identity.ErrToken},
		"an ID token":      {e.SignType(t, "JWT", map[string]any{"sub": "anna"}), identity.ErrToken},
		"no type":          {e.SignType(t, "", map[string]any{"sub": "anna"}), identity.ErrToken},
		"no subject":       {e.Sign(t, nil), identity.ErrToken},
	} {
		if person, _, err := issuers.Verify(t.Context(), c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: got %s, %v; want %v", name, person, err, c.want)
		}
	}
	long := e.SignType(t, "application/at+jwt", map[string]any{"sub": "anna"}) // RFC 9068, 4
	if _, _, err := issuers.Verify(t.Context(), long); err != nil {
		t.Errorf("the long form of the type: %v", err)
	}
	none, err := identity.LoadIssuers("", discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := none.Verify(t.Context(), valid); !errors.Is(err, identity.ErrToken) {
		t.Errorf("without issuers: %v", err)
	}
}

// Ensure the access tokens of providers that do not follow RFC 9068 are told from their ID tokens by claims.
func TestIssuers_ClaimsOfProviders(t *testing.T) {
	t.Parallel()
	e := rpctest.NewEnv(t)
	load := func(settings string) *identity.Issuers {
		path := filepath.Join(t.TempDir(), "issuers.yaml")
		write(
			t,
			path,
			"issuers:\n- {name: cremona, url: \""+e.IssuerURL()+"\", tenants: [lombardia/cremona], "+settings+"}",
		)
		issuers, err := identity.LoadIssuers(path, discard)
		if err != nil {
			t.Fatal(err)
		}
		return issuers
	}
	keycloak := load(`audience: account, token_type: JWT, claims: {typ: Bearer}, groups_claim: realm_access.roles,
		groups: {sportello: [operator]}`)
	entra := load(`audience: api, token_type: JWT, claims: {scp: Pari.Access, ver: "2.0"}, groups_claim: roles,
		groups: {sportello: [operator]}`)
	named := load(`claims: {"https://pari.example/kind": access}, groups_claim: "https://pari.example/groups",
		groups: {sportello: [operator]}`)
	roles := []string{"x", "sportello"}
	for name, c := range map[string]struct {
		issuers *identity.Issuers
		typ     string
		claims  map[string]any
		ok      bool
	}{
		"Keycloak": {keycloak, "JWT", map[string]any{
			"aud": "account", "typ": "Bearer", "realm_access": map[string]any{"roles": roles},
		}, true},
		"Keycloak's ID token": {keycloak, "JWT", map[string]any{
			"aud": "account", "typ": "ID", "realm_access": map[string]any{"roles": roles},
		}, false},
		"Entra": {entra, "JWT", map[string]any{
			"aud": "api", "scp": "profile Pari.Access", "ver": "2.0", "roles": roles,
		}, true},
		"Entra's ID token": {entra, "JWT", map[string]any{"aud": "api", "ver": "2.0", "roles": roles}, false},
		"Entra's other call": {
			entra, "JWT", map[string]any{"aud": "api", "scp": "Mail", "ver": "2.0", "roles": roles}, false,
		},
		"names with dots": {named, "at+jwt", map[string]any{
			"https://pari.example/kind": "access", "https://pari.example/groups": roles,
		}, true},
	} {
		c.claims["sub"] = "anna"
		person, grants, err := c.issuers.Verify(t.Context(), e.SignType(t, c.typ, c.claims))
		if (err == nil) != c.ok ||
			c.ok && (person != "anna@cremona" || len(grants) != 1 || grants[0].Role != operator) {
			t.Errorf("%s: got %s, %v, %v", name, person, grants, err)
		}
	}
}

// Ensure no issuer can be given a role of a tenant that it does not speak for, and that mistakes are errors.
func TestLoadIssuers_RefusesMistakes(t *testing.T) {
	t.Parallel()
	const cremona = "{name: cremona, url: \"https://login.example\", tenants: [lombardia/cremona], "
	for mistake, c := range map[string]struct{ issuers, quoted string }{
		"role of the centre": {
			cremona + "groups: {a: [{role: analyst, tenant: lombardia/centre}]}}", "lombardia/centre",
		},
		"role of all": {cremona + "groups: {a: [{role: analyst, tenant: all/centre}]}}", "all/centre"},
		"role of a homonym": {
			cremona + "groups: {a: [{role: operator, tenant: piemonte/cremona}]}}", "piemonte/cremona",
		},
		"unknown role":     {cremona + "groups: {a: [king]}}", `"king"`},
		"unknown property": {cremona + "group: {a: [operator]}}", "group"},
		"no claims":        {cremona + "token_type: JWT}", "claims are missing"},
		"no authority":     {cremona + "ca_file: /missing.pem}", "authority"},
		"no name":          {"{url: \"https://login.example\", tenants: [lombardia/cremona]}", "name"},
		"no tenants":       {"{name: cremona, url: \"https://login.example\"}", "tenants are missing"},
		"no TLS": {
			"{name: cremona, url: \"http://login.example\", tenants: [lombardia/cremona]}", "https://",
		},
		"twice": {cremona + "}, " + cremona + "}", "unique"},
		"which tenant": {
			"{name: a, url: \"https://login.example\", tenants: [lombardia/cremona, lombardia/milano], " +
				"groups: {a: [operator]}}",
			"must name its tenant",
		},
	} {
		path := filepath.Join(t.TempDir(), "issuers.yaml")
		write(t, path, "issuers: ["+c.issuers+"]")
		_, err := identity.LoadIssuers(path, discard)
		if err == nil || !strings.Contains(err.Error(), c.quoted) {
			t.Errorf("%s: got %v", mistake, err)
		}
	}
	path := filepath.Join(t.TempDir(), "issuers.yaml")
	write(t, path, "issuers: [{name: centre, url: \"https://login.example\", tenants: [all/centre], groups: "+
		"{a: [{role: analyst, tenant: lombardia/centre}, {role: editor, tenant: all/centre}]}}]")
	if _, err := identity.LoadIssuers(path, discard); err != nil {
		t.Errorf("the issuer of the centre: %v", err)
	}
}

// fakeIssuer answers discovery and keys, and counts the requests.
type fakeIssuer struct {
	*httptest.Server

	requests atomic.Int64
	away     atomic.Bool
	keysAway atomic.Bool
	hangs    atomic.Bool // until the test ends
	keys     atomic.Pointer[jose.JSONWebKeySet]
}

func startFakeIssuer(t *testing.T) *fakeIssuer {
	t.Helper()
	f, ended := &fakeIssuer{}, make(chan struct{})
	f.keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		if f.hangs.Load() {
			<-ended
		}
		if keys := r.URL.Path == "/keys"; f.away.Load() || keys && f.keysAway.Load() {
			http.Error(w, "away", http.StatusBadGateway)
			return
		} else if keys {
			_ = json.NewEncoder(w).Encode(f.keys.Load())
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": f.URL, "jwks_uri": f.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	}))
	t.Cleanup(f.Close)
	t.Cleanup(func() { close(ended) })
	return f
}

// load returns issuers of which this is the only one.
func (f *fakeIssuer) load(t *testing.T) *identity.Issuers {
	t.Helper()
	path := filepath.Join(t.TempDir(), "issuers.yaml")
	write(t, path, "issuers: [{name: cremona, url: \""+f.URL+"\", tenants: [lombardia/cremona]}]")
	issuers, err := identity.LoadIssuers(path, discard)
	if err != nil {
		t.Fatal(err)
	}
	return issuers
}

// publish replaces the issuer's keys by a new one and returns a function that signs tokens with it.
func (f *fakeIssuer) publish(t *testing.T, id string) (sign func() string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := jose.JSONWebKey{Key: private, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
	f.keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
	return func() string {
		t.Helper()
		signer, err := jose.NewSigner(
			jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("at+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		claims, err := json.Marshal(map[string]any{
			"iss": f.URL, "aud": "pari", "sub": "anna", "exp": time.Now().Add(24 * time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}

// Ensure a key that the issuer withdrew is no longer valid after the keys are renewed, and that a new key is accepted
// before.
func TestIssuers_RenewKeys(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", ""} { // a key may have no id
		f := startFakeIssuer(t)
		first := f.publish(t, id)()
		issuers := f.load(t)
		verify := func(token string) error { _, _, err := issuers.Verify(t.Context(), token); return err }
		if err := verify(first); err != nil {
			t.Fatal(err)
		}
		second := f.publish(t, strings.ToUpper(id))()
		if err := verify(second); !errors.Is(err, identity.ErrToken) {
			t.Errorf("a moment later the issuer was asked again: %v", err)
		}
		issuers.AgeKeys(10 * time.Second)
		if err := verify(second); err != nil {
			t.Errorf("the issuer's new key: %v", err)
		}
		third := f.publish(t, id)()
		issuers.AgeKeys(5 * time.Minute)
		if err := verify(second); err != nil {
			t.Errorf("while the keys are renewed: %v", err)
		}
		bustest.Eventually(t, func() bool { return errors.Is(verify(second), identity.ErrToken) })
		if err := verify(third); err != nil {
			t.Errorf("after the keys were renewed: %v", err)
		}
	}
}

// Ensure an issuer that is away or hangs slows no call whose key is known, and that its keys are used for an hour at
// most.
func TestIssuers_KeepKeysWhileTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(*fakeIssuer) *atomic.Bool{
		"away":      func(f *fakeIssuer) *atomic.Bool { return &f.away },
		"keys away": func(f *fakeIssuer) *atomic.Bool { return &f.keysAway },
		"hangs":     func(f *fakeIssuer) *atomic.Bool { return &f.hangs },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startFakeIssuer(t)
			token := f.publish(t, "a")()
			issuers := f.load(t)
			verify := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _, err := issuers.Verify(ctx, token)
				return err
			}
			if err := verify(); err != nil {
				t.Fatal(err)
			}
			fails(f).Store(true)
			issuers.AgeKeys(59 * time.Minute)
			before := f.requests.Load()
			for range 100 {
				if err := verify(); err != nil {
					t.Fatal(err)
				}
			}
			if n := f.requests.Load() - before; n > 2 {
				t.Errorf("%d requests", n)
			}
			issuers.AgeKeys(time.Minute)
			if err := verify(); !errors.Is(err, identity.ErrIssuer) {
				t.Errorf("an hour later: %v", err)
			}
		})
	}
}

// Ensure a token is not called invalid while the issuer's keys cannot be fetched.
func TestIssuers_KeysAway(t *testing.T) {
	t.Parallel()
	f := startFakeIssuer(t)
	first := f.publish(t, "a")()
	issuers := f.load(t)
	f.keysAway.Store(true)
	if _, _, err := issuers.Verify(t.Context(), first); !errors.Is(err, identity.ErrIssuer) {
		t.Errorf("the first keys: %v", err)
	}
	f.keysAway.Store(false)
	bustest.Eventually(t, func() bool { _, _, err := issuers.Verify(t.Context(), first); return err == nil })
	second := f.publish(t, "b")()
	f.keysAway.Store(true)
	issuers.AgeKeys(time.Minute)
	if _, _, err := issuers.Verify(t.Context(), second); !errors.Is(err, identity.ErrIssuer) {
		t.Errorf("a key that is not known: %v", err)
	}
}

// Ensure an issuer is not driven by strangers: any number of tokens with unknown keys makes a request or two, whether
// the issuer answers or is away.
func TestIssuers_DoNotDriveTheIssuer(t *testing.T) {
	t.Parallel()
	e, f := rpctest.NewEnv(t), startFakeIssuer(t)
	issuers := f.load(t)
	forged := e.Sign(t, map[string]any{"sub": "anna", "iss": f.URL})
	verify := func(want error) {
		t.Helper()
		if _, _, err := issuers.Verify(t.Context(), forged); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
	f.away.Store(true)
	for range 100 {
		verify(identity.ErrIssuer)
	}
	if n := f.requests.Load(); n > 3 {
		t.Errorf("%d requests to an issuer that is away", n)
	}
	f.away.Store(false)
	deadline := time.Now().Add(10 * time.Second)
	for err := identity.ErrIssuer; errors.Is(err, identity.ErrIssuer) && time.Now().Before(deadline); {
		_, _, err = issuers.Verify(t.Context(), forged)
	}
	before := f.requests.Load()
	for range 200 {
		verify(identity.ErrToken)
	}
	if n := f.requests.Load() - before; n > 2 {
		t.Errorf("%d requests for 200 forged tokens", n)
	}
}

// Ensure a call does not wait longer than its deadline for an issuer that hangs.
func TestIssuers_HonourTheDeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hangs.Close)
	t.Cleanup(func() { close(release) })
	path := filepath.Join(t.TempDir(), "issuers.yaml")
	write(t, path, "issuers: [{name: cremona, url: \""+hangs.URL+"\", tenants: [lombardia/cremona]}]")
	issuers, err := identity.LoadIssuers(path, discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	token := rpctest.NewEnv(t).Sign(t, map[string]any{"sub": "anna", "iss": hangs.URL})
	if _, _, err := issuers.Verify(ctx, token); !errors.Is(err, identity.ErrIssuer) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
