package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Bounds of what is read.
const (
	maxHSDS    = 16 << 20
	maxOffices = 5000
	maxLeft    = 1000
)

// Imported is what was read. Offices have to be checked before they are stored: those of others have no region, node, kind,
// territories nor types of service, which the one who imports has to give.
type Imported struct {
	Offices []*directoryv1.Office
	// Left is what was given and left out, the first thousand.
	Left []Omission
	// More counts what was left out beyond them.
	More int
}

// Omission is a field that was given and left out.
type Omission struct {
	// Path is where it stands, for instance "contents[0].locations[1].latitude".
	Path string
	// Reason says why, for people.
	Reason string
}

// FromHSDS reads offices from a document of the Human Services Data Specification 3: a page of organizations or of services, a
// list of them, or one. What HSDS wrote comes back as it was. Of what others wrote it takes what an office has a field for and
// says what it left out. It refuses what is no such document, too large, or names an office twice or not at all.
func FromHSDS(data []byte) (Imported, error) {
	if len(data) > maxHSDS {
		return Imported{}, fmt.Errorf("the document has more than %d bytes", maxHSDS)
	}
	items, path, err := hsdsItems(data)
	if err != nil {
		return Imported{}, fmt.Errorf("this is no document of HSDS: %w", err)
	}
	if len(items) > maxOffices {
		return Imported{}, fmt.Errorf("the document has more than %d entries", maxOffices)
	}
	r := &hsdsReader{}
	groups, err := r.group(items, path)
	if err != nil {
		return Imported{}, fmt.Errorf("this is no document of HSDS: %w", err)
	}
	seen := map[string]bool{}
	for _, g := range groups {
		if g.organization.ID == "" {
			return Imported{}, fmt.Errorf("%s: it has no id", g.path)
		}
		o := r.office(g)
		if seen[o.GetOfficeId()] {
			return Imported{}, fmt.Errorf("%s: office %q is there twice", g.path, o.GetOfficeId())
		}
		seen[o.GetOfficeId()] = true
		r.out.Offices = append(r.out.Offices, o)
	}
	return r.out, nil
}

// hsdsItems finds the entries of a document and where they stand.
func hsdsItems(data []byte) ([]json.RawMessage, string, error) {
	var items []json.RawMessage
	if trimmed := strings.TrimLeft(string(data[:min(len(data), 64)]), " \t\r\n"); strings.HasPrefix(trimmed, "[") {
		err := json.Unmarshal(data, &items)
		return items, "", err
	}
	var page struct {
		ID       string             `json:"id"`
		Contents *[]json.RawMessage `json:"contents"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, "", err
	}
	switch {
	case page.Contents != nil:
		return *page.Contents, "contents", nil
	case page.ID != "":
		return []json.RawMessage{data}, "", nil
	}
	return nil, "", errors.New("it has neither contents nor an id")
}

// hsdsReader reads a document and keeps what it leaves out.
type hsdsReader struct{ out Imported }

func (r *hsdsReader) leave(path, reason string) {
	if len(r.out.Left) == maxLeft {
		r.out.More++
		return
	}
	r.out.Left = append(r.out.Left, Omission{Path: path, Reason: reason})
}

// placed is a part of a document and where it stands.
type placed[T any] struct {
	path string
	it   T
}

func each[T any](path string, items []T) []placed[T] {
	out := make([]placed[T], len(items))
	for i, it := range items {
		out[i] = placed[T]{fmt.Sprintf("%s[%d]", path, i), it}
	}
	return out
}

// hsdsGroup is an organization with its services, wherever they stood.
type hsdsGroup struct {
	path         string
	organization hsdsOrganization
	services     []placed[hsdsService]
}

// group decodes entries and gathers the services of an organization.
func (r *hsdsReader) group(items []json.RawMessage, path string) ([]*hsdsGroup, error) {
	var groups []*hsdsGroup
	byID := map[string]*hsdsGroup{}
	for _, item := range each(path, items) {
		var probe struct {
			Status         *string          `json:"status"`
			Organization   *json.RawMessage `json:"organization"`
			OrganizationID *string          `json:"organization_id"`
		}
		if err := json.Unmarshal(item.it, &probe); err != nil {
			return nil, fmt.Errorf("%s: %w", item.path, err)
		}
		if probe.Status == nil && probe.Organization == nil && probe.OrganizationID == nil {
			var organization hsdsOrganization
			if err := r.decode(item.path, item.it, &organization); err != nil {
				return nil, err
			}
			groups = append(groups, &hsdsGroup{item.path, organization, each(item.path+".services", organization.Services)})
			continue
		}
		var service hsdsService
		if err := r.decode(item.path, item.it, &service); err != nil {
			return nil, err
		}
		organization := organizationOf(service)
		if byID[organization.ID] == nil {
			byID[organization.ID] = &hsdsGroup{path: item.path + ".organization", organization: organization}
			groups = append(groups, byID[organization.ID])
			if len(organization.Services) > 0 {
				r.leave(item.path+".organization.services", "the services of the document are read, not those within one of them")
			}
		}
		g := byID[organization.ID]
		g.services = append(g.services, placed[hsdsService]{item.path, service})
	}
	return groups, nil
}

// organizationOf returns the organization of a service that stands alone; where it names none, the service is one.
func organizationOf(s hsdsService) hsdsOrganization {
	if s.Organization != nil {
		return *s.Organization
	}
	if s.OrganizationID != "" {
		return hsdsOrganization{ID: s.OrganizationID, Name: s.Name, Description: s.Description}
	}
	return hsdsOrganization{ID: s.ID, Name: s.Name, Description: s.Description}
}

// decode reads an entry and says which of its fields an office has no place for.
func (r *hsdsReader) decode(path string, raw json.RawMessage, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.unknown(path, "", tree, typeOf(into))
	return nil
}
