// Package identity knows who calls: the system, by its certificate; on top of it the person, by an access token; and for
// both what they may do. The tenant comes from here, never from a message.
//
//	certificate ── URI SAN ──► ID: region, node, kind, name ─┐
//	grants file ──────────────► roles of a system            ├─► Caller, in the context of the call
//	access token ─ pari_grants ► person, roles, regions ─────┘
//
// It promises that a Caller in a context was proved: its chain, dates and purpose were checked on this call, and its token
// was signed by the issuer for this audience and has not expired. It decides nothing: who may do what is package rpc's.
package identity

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Kinds of program, as they stand in an ID.
const (
	KindService = "service" // one of Pari's own
	KindSystem  = "system"  // a municipal system, or a console through which people act
	KindOps     = "ops"     // operations tooling
	KindLeaf    = "leaf"    // a node's broker
)

// Centre is the node and AllRegions the region in IDs of the centre's programs.
const (
	Centre     = "centre"
	AllRegions = "all"
)

// ID is what a certificate says in its URI SAN:
// spiffe://<trust domain>/region/<region>/node/<node>/<kind>/<name>.
type ID struct{ TrustDomain, Region, Node, Kind, Name string }

var word = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// ParseID reads an ID. Anything that is not exactly one is refused.
func ParseID(s string) (ID, error) {
	bad := fmt.Errorf("not the identity of a program of the network")
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "spiffe" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Port() != "" {
		return ID{}, bad
	}
	p := strings.Split(u.Path, "/")
	if len(p) != 7 || p[0] != "" || p[1] != "region" || p[3] != "node" {
		return ID{}, bad
	}
	id := ID{TrustDomain: u.Host, Region: p[2], Node: p[4], Kind: p[5], Name: p[6]}
	for _, w := range []string{id.Region, id.Node, id.Name} {
		if !word.MatchString(w) {
			return ID{}, bad
		}
	}
	switch id.Kind {
	case KindService, KindSystem, KindOps, KindLeaf:
		return id, nil
	}
	return ID{}, bad
}

// String writes the ID as it stands in a certificate.
func (id ID) String() string {
	return "spiffe://" + id.TrustDomain + "/region/" + id.Region + "/node/" + id.Node + "/" + id.Kind + "/" + id.Name
}

// URL is String for a certificate template.
func (id ID) URL() *url.URL {
	return &url.URL{Scheme: "spiffe", Host: id.TrustDomain, Path: strings.TrimPrefix(id.String(), "spiffe://"+id.TrustDomain)}
}

// kind is the caller's kind when no person speaks through it.
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
