// Package tenant names tenants. A tenant is a node of a region: Italian municipalities have homonyms, so the name of a
// node alone names nobody. An ID is comparable and can be a map key.
//
// The centre is a tenant too: the node "centre" of one region, or of "all" regions. It promises that an ID made by
// Parse or New is safe in a path, a subject, a certificate and a key.
package tenant

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Names with a meaning of their own.
const (
	CentreNode = "centre" // the node of every centre
	AllRegions = "all"    // the region of the centre that serves every region
)

// Centre is the tenant of the centre that serves every region.
var Centre = ID{Region: AllRegions, Node: CentreNode}

// ID is a tenant.
type ID struct{ Region, Node string }

var slug = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// ValidName reports whether s can be the name of a region, a node or a program: up to 40 lower-case letters, digits and
// hyphens, beginning with a letter.
func ValidName(s string) bool { return slug.MatchString(s) }

// New returns the tenant of a node in a region.
func New(region, node string) (ID, error) {
	if !ValidName(region) || !ValidName(node) || region == AllRegions && node != CentreNode {
		return ID{}, fmt.Errorf("%q and %q are not a region and a node", region, node)
	}
	return ID{Region: region, Node: node}, nil
}

// Parse parses "<region>/<node>".
func Parse(s string) (ID, error) {
	region, node, _ := strings.Cut(s, "/")
	return New(region, node)
}

// String formats the tenant as "<region>/<node>".
func (t ID) String() string { return t.Region + "/" + t.Node }

// MarshalText implements encoding.TextMarshaler.
func (t ID) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler with Parse.
func (t *ID) UnmarshalText(text []byte) (err error) {
	*t, err = Parse(string(text))
	return err
}

// Value implements driver.Valuer: a database stores the tenant as its text. It refuses the zero ID, so that no row is
// stored for nobody.
func (t ID) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, errors.New("no tenant")
	}
	return t.String(), nil
}

// Scan implements sql.Scanner.
func (t *ID) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("a tenant cannot be read from %T", value)
	}
	return t.UnmarshalText([]byte(text))
}

// IsZero reports whether the ID names no tenant.
func (t ID) IsZero() bool { return t == ID{} }

// IsCentre reports whether the tenant is a centre, of one region or of all.
func (t ID) IsCentre() bool { return t.Node == CentreNode }

// OverRegion reports whether the tenant is the centre of a region.
func (t ID) OverRegion(region string) bool {
	return t.IsCentre() && region != "" && (t.Region == region || t.Region == AllRegions)
}
