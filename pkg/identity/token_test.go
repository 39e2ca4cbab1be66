package identity_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

const (
	operator    = accessv1.Role_ROLE_OPERATOR
	coordinator = accessv1.Role_ROLE_COORDINATOR
	analyst     = accessv1.Role_ROLE_ANALYST
)

// Ensure a valid token gives its subject and the grants that parse.
func TestVerifier_Verify(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	token := w.Token(t, "anna", "lombardia/cremona/operator",
		"lombardia/cremona", "lombardia/cremona/operator/x", "Lombardia/cremona/operator", "lombardia/*/operator",
		"lombardia/cremona/king", "lombardia/cremona/unspecified")
	got, err := w.Verifier().Verify(t.Context(), token)
	want := identity.Person{
		Subject: "anna", Grants: []identity.Grant{{Region: "lombardia", Node: "cremona", Role: operator}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("got %v\n%s", err, diff)
	}
}

// Ensure a token is refused unless everything about it is right.
func TestVerifier_RefusesInvalidTokens(t *testing.T) {
	t.Parallel()
	w, other := rpctest.NewEnv(t), rpctest.NewEnv(t)
	v := w.Verifier()
	past := time.Now().Add(-time.Hour).Unix()
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"not a token":      {"abc", identity.ErrToken},
		"expired":          {w.Sign(t, map[string]any{"sub": "anna", "exp": past}), identity.ErrTokenExpired},
		"another audience": {w.Sign(t, map[string]any{"sub": "anna", "aud": "mail"}), identity.ErrToken},
		"another issuer":   {other.Token(t, "anna"), identity.ErrToken},
		"no subject":       {w.Sign(t, nil), identity.ErrToken},
		"malformed grants": {w.Sign(t, map[string]any{"sub": "anna", "pari_grants": 1}), identity.ErrToken},
	} {
		if p, err := v.Verify(t.Context(), c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: got %+v, %v; want %v", name, p, err, c.want)
		}
	}
}

// Ensure an issuer that hangs does not hold a call for ever.
func TestNewVerifier_BoundsRequests(t *testing.T) {
	t.Parallel()
	if got := identity.NewVerifier("https://issuer.test", nil).RequestTimeout(); got != 5*time.Second {
		t.Errorf("requests may take %s, want 5s", got)
	}
}

// roundTripper answers HTTP requests without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Ensure an issuer that is away is asked once a second at most, and used as soon as it is back.
func TestVerifier_RetriesDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const issuer = "https://issuer.test"
		away, requests := true, 0
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			requests++
			if away {
				return nil, errors.New("connection refused")
			}
			w := httptest.NewRecorder()
			_, _ = w.WriteString(`{"issuer": "` + issuer + `", "jwks_uri": "` + issuer + `/keys"}`)
			return w.Result(), nil
		})}
		v := identity.NewVerifier(issuer, client)
		verify := func(want error, wantRequests int) {
			t.Helper()
			if _, err := v.Verify(context.Background(), "abc"); !errors.Is(err, want) || requests != wantRequests {
				t.Fatalf("got %v after %d requests, want %v after %d", err, requests, want, wantRequests)
			}
		}
		verify(identity.ErrIssuer, 1)
		verify(identity.ErrIssuer, 1)
		<-time.After(time.Second)
		verify(identity.ErrIssuer, 2)
		away = false
		verify(identity.ErrIssuer, 2)
		<-time.After(time.Second)
		verify(identity.ErrToken, 3) // discovered: now the token itself is refused
		verify(identity.ErrToken, 3)
	})
}

// Ensure a person has, through a program, only the grants at the program's node and region.
func TestPerson_Through(t *testing.T) {
	t.Parallel()
	at := func(region, node string) identity.ID { return rpctest.ID(region, node, "system", "console") }
	person := identity.Person{Subject: "anna", Grants: []identity.Grant{
		{Region: "lombardia", Node: "cremona", Role: operator},
		{Region: "lombardia", Node: "cremona", Role: operator},
		{Region: "lombardia", Node: "cremona", Role: coordinator},
		{Region: "piemonte", Node: "sanmartino", Role: operator},
		{Region: "lombardia", Node: identity.Centre, Role: analyst},
		{Region: "piemonte", Node: identity.Centre, Role: analyst},
	}}
	for _, c := range []struct {
		id      identity.ID
		roles   []accessv1.Role
		regions []string
	}{
		{at("lombardia", "cremona"), []accessv1.Role{operator, coordinator}, []string{"lombardia"}},
		{at("lombardia", "milano"), nil, nil},
		{at("piemonte", "sanmartino"), []accessv1.Role{operator}, []string{"piemonte"}},
		{at("lombardia", "sanmartino"), nil, nil}, // a node of the same name in another region
		{at(identity.AllRegions, identity.Centre), []accessv1.Role{analyst}, []string{"lombardia", "piemonte"}},
	} {
		got, ok := person.Through(c.id)
		want := identity.Caller{ID: c.id, Person: "anna", Roles: c.roles, Regions: c.regions}
		if diff := cmp.Diff(want, got); diff != "" || ok != (len(c.roles) > 0) {
			t.Errorf("through %s: ok %t\n%s", c.id, ok, diff)
		}
	}
}
