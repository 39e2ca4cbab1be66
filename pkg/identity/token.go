package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Audience is the audience that an access token must name.
const Audience = "pari"

// Person is the verified content of an access token.
type Person struct {
	Subject string
	Grants  []Grant
}

// Grant is a role of a person at one node. For a role at the centre, Region is the region that it covers.
type Grant struct {
	Region, Node string
	Role         accessv1.Role
}

// ParseGrant parses "<region>/<node>/<role>".
func ParseGrant(s string) (Grant, bool) {
	p := strings.Split(s, "/")
	if len(p) != 3 || !slug.MatchString(p[0]) || !slug.MatchString(p[1]) {
		return Grant{}, false
	}
	role, ok := ParseRole(p[2])
	return Grant{p[0], p[1], role}, ok
}

// Errors of Verify.
var (
	ErrToken        = errors.New("invalid access token")
	ErrTokenExpired = errors.New("expired access token")
	ErrIssuer       = errors.New("token issuer unreachable")
)

// Verifier verifies access tokens of one OIDC issuer. It discovers the issuer at the first token, so a service can
// start while its issuer is away.
type Verifier struct {
	issuer string
	client *http.Client

	mu      sync.Mutex
	inner   *oidc.IDTokenVerifier
	triedAt time.Time // last failed discovery
}

// NewVerifier returns a verifier for an issuer. It fetches discovery document and keys with client; nil means a
// default.
func NewVerifier(issuer string, client *http.Client) *Verifier {
	if client == nil {
		client = &http.Client{Timeout: 5 * time.Second}
	}
	return &Verifier{issuer: issuer, client: client}
}

func (v *Verifier) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.inner != nil {
		return v.inner, nil
	}
	if time.Since(v.triedAt) < time.Second {
		return nil, ErrIssuer
	}
	v.triedAt = time.Now()
	// The provider keeps this context and fetches rotated keys with it, long after this call has ended.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	v.triedAt = time.Time{}
	v.inner = provider.Verifier(&oidc.Config{ClientID: Audience})
	return v.inner, nil
}

// Verify checks signature, issuer, audience and dates, and parses the grants. A grant that does not parse is ignored.
func (v *Verifier) Verify(ctx context.Context, raw string) (Person, error) {
	inner, err := v.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	token, err := inner.Verify(ctx, raw)
	if err != nil {
		var expired *oidc.TokenExpiredError
		if errors.As(err, &expired) {
			return Person{}, ErrTokenExpired
		}
		return Person{}, ErrToken
	}
	var claims struct {
		Grants []string `json:"pari_grants"`
	}
	if err := token.Claims(&claims); err != nil || token.Subject == "" {
		return Person{}, ErrToken
	}
	p := Person{Subject: token.Subject}
	for _, s := range claims.Grants {
		if g, ok := ParseGrant(s); ok {
			p.Grants = append(p.Grants, g)
		}
	}
	return p, nil
}

// Through returns the person as a caller through a program, with the grants at the program's node. ok is false when the
// person has none there.
func (p Person) Through(id ID) (c Caller, ok bool) {
	c = Caller{ID: id, Person: p.Subject}
	for _, g := range p.Grants {
		if g.Node != id.Node || (g.Node != Centre && g.Region != id.Region) {
			continue
		}
		if !slices.Contains(c.Roles, g.Role) {
			c.Roles = append(c.Roles, g.Role)
		}
		if !slices.Contains(c.Regions, g.Region) {
			c.Regions = append(c.Regions, g.Region)
		}
	}
	return c, len(c.Roles) > 0
}
