package identity

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Grant gives one role at one tenant, or at one office of it, for a time.
type Grant struct {
	Role accessv1.Role
	// Tenant is where the role holds. A role over a region is granted at that region's centre, "lombardia/centre", and
	// a role over every region at "all/centre".
	Tenant tenant.ID
	// Office is the identifier of the only office that the grant is for, "" for the whole tenant. A grant for an office
	// gives nothing yet: no method asks for HasAtOffice.
	Office string
	// From is the first instant at which the grant is valid and Until the first at which it no longer is. Zero means
	// without limit.
	From, Until time.Time
}

func (g Grant) validAt(now time.Time) bool {
	return !now.Before(g.From) && (g.Until.IsZero() || now.Before(g.Until))
}

// ParseRole parses the short name of a role, for instance case_worker.
func ParseRole(s string) (accessv1.Role, bool) {
	n, ok := accessv1.Role_value["ROLE_"+strings.ToUpper(s)]
	return accessv1.Role(n), ok && n != 0
}

// grantText is a grant in a configuration file: the name of a role, or a mapping.
//
//	submitter
//	{role: operator, office: punto-borgo, until: 2027-06-30}
type grantText struct {
	Role   string     `yaml:"role"`
	Tenant *tenant.ID `yaml:"tenant"`
	Office string     `yaml:"office"`
	From   string     `yaml:"from"`  // first day
	Until  string     `yaml:"until"` // last day
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (g *grantText) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&g.Role)
	}
	type plain grantText
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch key := node.Content[i].Value; key {
		case "role", "tenant", "office", "from", "until":
		default:
			return fmt.Errorf("%q is not a property of a grant", key)
		}
	}
	return node.Decode((*plain)(g))
}

// grant returns the grant, at one of the tenants: the one that it names, or the only one.
func (g grantText) grant(tenants ...tenant.ID) (Grant, error) {
	role, ok := ParseRole(g.Role)
	if !ok {
		return Grant{}, fmt.Errorf("%q is not a role", g.Role)
	}
	at, err := g.tenantOf(tenants)
	if err != nil {
		return Grant{}, err
	}
	if g.Office != "" && !tenant.ValidName(g.Office) {
		return Grant{}, fmt.Errorf("%q is not the identifier of an office", g.Office)
	}
	from, err := parseDay(g.From)
	if err != nil {
		return Grant{}, err
	}
	until, err := parseDay(g.Until)
	if err != nil {
		return Grant{}, err
	}
	if !until.IsZero() {
		until = until.AddDate(0, 0, 1)
		if !from.Before(until) {
			return Grant{}, fmt.Errorf("a grant until %s cannot begin on %s", g.Until, g.From)
		}
	}
	return Grant{Role: role, Tenant: at, Office: g.Office, From: from, Until: until}, nil
}

func (g grantText) tenantOf(tenants []tenant.ID) (tenant.ID, error) {
	if g.Tenant == nil {
		if len(tenants) != 1 {
			return tenant.ID{}, errors.New("a grant must name its tenant where there are several")
		}
		return tenants[0], nil
	}
	for _, t := range tenants {
		if *g.Tenant == t || g.Tenant.IsCentre() && t.OverRegion(g.Tenant.Region) {
			return *g.Tenant, nil
		}
	}
	return tenant.ID{}, fmt.Errorf("a grant at %s is not within %v", g.Tenant, tenants)
}

// parseDay parses a date and returns its beginning in Rome; "" is the zero time.
func parseDay(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s, tz.Rome)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date of the form 2027-06-30", s)
	}
	return day, nil
}
