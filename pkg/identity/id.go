// Package identity authenticates callers: a system by its certificate, and on top of it a person by an access token. It
// also reads the roles of both. The tenant comes from here, never from a message.
//
//	certificate ── URI SAN ──► ID: tenant, kind, name ─┐
//	grants file ─────────────► grants of a system      ├─► Principal, in the context of the call
//	access token ────────────► person and grants ──────┘
//
// It promises that a Principal in a context is authenticated: the chain, dates and purpose of its certificate were
// checked for this call, and its token was signed by an issuer of its tenant and has not expired. Package rpc applies
// the access rules; what a rule leaves open, a method asks the Principal.
package identity

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Kinds of program in an ID.
const (
	KindService = "service" // one of Pari's own
	KindSystem  = "system"  // a municipal system, or a console for people
	KindOps     = "ops"     // operations tooling
	KindLeaf    = "leaf"    // a broker
)

// ID is the identity in the URI SAN of a certificate:
// spiffe://<trust domain>/region/<region>/node/<node>/<kind>/<name>.
type ID struct {
	TrustDomain string
	Tenant      tenant.ID
	Kind, Name  string
}

// ParseID parses an ID. It accepts no other form.
func ParseID(s string) (ID, error) {
	invalid := fmt.Errorf("not a SPIFFE id of the network")
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "spiffe" || u.Host == "" || u.Port() != "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ID{}, invalid
	}
	p := strings.Split(u.Path, "/")
	if len(p) != 7 || p[0] != "" || p[1] != "region" || p[3] != "node" {
		return ID{}, invalid
	}
	of, err := tenant.New(p[2], p[4])
	if err != nil || !tenant.ValidName(p[6]) {
		return ID{}, invalid
	}
	id := ID{TrustDomain: u.Host, Tenant: of, Kind: p[5], Name: p[6]}
	switch id.Kind {
	case KindService, KindSystem, KindOps, KindLeaf:
		return id, nil
	}
	return ID{}, invalid
}

// String formats the ID as in a certificate.
func (id ID) String() string {
	return "spiffe://" + id.TrustDomain + "/region/" + id.Tenant.Region + "/node/" + id.Tenant.Node + "/" + id.Kind +
		"/" + id.Name
}

// URL is the URI SAN for a certificate template.
func (id ID) URL() *url.URL {
	path := strings.TrimPrefix(id.String(), "spiffe://"+id.TrustDomain)
	return &url.URL{Scheme: "spiffe", Host: id.TrustDomain, Path: path}
}

// kind is the kind of a caller without an access token.
func (id ID) kind() accessv1.Kind {
	switch id.Kind {
	case KindService:
		return accessv1.Kind_KIND_SERVICE
	case KindSystem:
		return accessv1.Kind_KIND_SYSTEM
	case KindOps:
		return accessv1.Kind_KIND_OPS
	default:
		return accessv1.Kind_KIND_UNSPECIFIED
	}
}
