package identity

import (
	"context"
	"slices"
	"time"

	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Principal is the authenticated caller of an RPC: a program, and a person when an access token came with the call, or
// the holder of a receipt when a receipt code came.
//
// What it may do is in its grants. They cannot be listed: a method can only ask whether one grant gives what it needs,
// because rights that come from different grants must not add up.
type Principal struct {
	// Program is the identity in the certificate.
	Program ID
	// Person is the subject of the access token with the name of its issuer, "" without a token.
	Person string
	// Report is the report whose receipt code came with the call, "" without one.
	Report string

	grants []Grant
}

// NewReceiptHolder returns the principal of one report. It has no grants.
func NewReceiptHolder(program ID, report string) Principal {
	return Principal{Program: program, Report: report}
}

// NewPrincipal returns a principal with those of the grants that are valid at now and that its program can use: grants
// at the program's own tenant and, at the centre, those for a region that it serves. ok is false when the grants are of
// other tenants only.
func NewPrincipal(program ID, person string, grants []Grant, now time.Time) (p Principal, ok bool) {
	p = Principal{Program: program, Person: person}
	for _, g := range grants {
		own := g.Tenant == program.Tenant || g.Tenant.IsCentre() && program.Tenant.OverRegion(g.Tenant.Region)
		ok = ok || own
		if own && g.validAt(now) {
			p.grants = append(p.grants, g)
		}
	}
	return p, ok || len(grants) == 0
}

// Tenant is the tenant that the principal acts for.
func (p Principal) Tenant() tenant.ID { return p.Program.Tenant }

// Kind is PERSON with an access token, RECEIPT with a receipt code, else the kind of the program.
func (p Principal) Kind() accessv1.Kind {
	if p.Report != "" {
		return accessv1.Kind_KIND_RECEIPT
	}
	if p.Person != "" {
		return accessv1.Kind_KIND_PERSON
	}
	return p.Program.kind()
}

// Has reports whether one grant gives one of the roles at the principal's own tenant, for all of its offices. No roles
// stand for any role.
func (p Principal) Has(roles ...accessv1.Role) bool {
	return p.any(roles, func(g Grant) bool { return g.Tenant == p.Tenant() && g.Office == "" })
}

// HasAtOffice is Has for one office: a grant for all offices counts, and so does one for this office.
func (p Principal) HasAtOffice(office string, roles ...accessv1.Role) bool {
	return office != "" && p.any(roles, func(g Grant) bool {
		return g.Tenant == p.Tenant() && (g.Office == "" || g.Office == office)
	})
}

// HasOverRegion reports whether one grant at the centre gives one of the roles over a region. The region AllRegions
// asks for a grant over every region.
func (p Principal) HasOverRegion(region string, roles ...accessv1.Role) bool {
	return p.any(roles, func(g Grant) bool { return g.Tenant.OverRegion(region) && g.Office == "" })
}

func (p Principal) any(roles []accessv1.Role, covers func(Grant) bool) bool {
	return slices.ContainsFunc(p.grants, func(g Grant) bool {
		return (len(roles) == 0 || slices.Contains(roles, g.Role)) && covers(g)
	})
}

// Filter returns the principal with those of its grants that keep accepts, each by itself.
func (p Principal) Filter(keep func(Grant) bool) Principal {
	p.grants = slices.DeleteFunc(slices.Clone(p.grants), func(g Grant) bool { return !keep(g) })
	return p
}

// HasGrant reports whether the principal has a grant at all. It opens nothing by itself: what a role is needed for has
// a place, and a method must ask for that.
func (p Principal) HasGrant() bool { return len(p.grants) > 0 }

type principalKey struct{}

// With returns a context that carries the principal.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the principal that the context carries; ok is false outside an RPC.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}
