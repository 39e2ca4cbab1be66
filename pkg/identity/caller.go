package identity

import (
	"context"
	"slices"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// Caller is who makes a call: a program, and through it perhaps a person.
type Caller struct {
	// ID of the program's certificate.
	ID ID
	// Person is the subject of the access token, "" when no person speaks.
	Person string
	// Roles that the person, or else the system, holds for the node of the certificate.
	Roles []accessv1.Role
	// Regions that the roles reach, for callers of the centre; AllRegions stands for every one.
	Regions []string
}

// Kind tells what kind of caller it is.
func (c Caller) Kind() accessv1.Kind {
	if c.Person != "" {
		return accessv1.Kind_KIND_PERSON
	}
	return c.ID.kind()
}

// Node is the tenant that the caller acts for.
func (c Caller) Node() string { return c.ID.Node }

// Has tells whether the caller holds one of the roles.
func (c Caller) Has(roles ...accessv1.Role) bool {
	return slices.ContainsFunc(roles, func(r accessv1.Role) bool { return slices.Contains(c.Roles, r) })
}

// SeesRegion tells whether the caller's roles reach a region.
func (c Caller) SeesRegion(region string) bool {
	return slices.Contains(c.Regions, region) || slices.Contains(c.Regions, AllRegions)
}

// Actor is what a write records of the caller: who, for which node, through which system.
func (c Caller) Actor() *recordv1.Actor {
	return &recordv1.Actor{Person: c.Person, Node: c.ID.Node, System: c.ID.Name}
}

type callerKey struct{}

// With returns a context in which the caller is known.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller of this call; ok is false outside of a call.
func From(ctx context.Context) (c Caller, ok bool) {
	c, ok = ctx.Value(callerKey{}).(Caller)
	return c, ok
}
