package identity

import (
	"context"
	"slices"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Caller is the authenticated caller of an RPC: a program, and a person when an access token came with the call.
type Caller struct {
	// ID is the identity in the program's certificate.
	ID ID
	// Person is the subject of the access token, "" without one.
	Person string
	// Roles of the person, or else of the system, at the node of the certificate.
	Roles []accessv1.Role
	// Regions that the roles cover, for callers of the centre; AllRegions stands for every one.
	Regions []string
}

// Kind is PERSON with an access token, else the kind of the program.
func (c Caller) Kind() accessv1.Kind {
	if c.Person != "" {
		return accessv1.Kind_KIND_PERSON
	}
	return c.ID.kind()
}

// Node is the tenant of the caller.
func (c Caller) Node() string { return c.ID.Node }

// Has reports whether the caller has one of the roles.
func (c Caller) Has(roles ...accessv1.Role) bool {
	return slices.ContainsFunc(roles, func(r accessv1.Role) bool { return slices.Contains(c.Roles, r) })
}

// SeesRegion reports whether the caller's roles cover a region.
func (c Caller) SeesRegion(region string) bool {
	return slices.Contains(c.Regions, region) || slices.Contains(c.Regions, AllRegions)
}

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller that the context carries; ok is false outside an RPC.
func From(ctx context.Context) (c Caller, ok bool) {
	c, ok = ctx.Value(callerKey{}).(Caller)
	return c, ok
}
