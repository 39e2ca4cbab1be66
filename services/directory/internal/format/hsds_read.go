package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Bounds of what is read.
const (
	maxHSDS      = 16 << 20
	maxOffices   = 5000
	maxOmissions = 1000
)

// identifier is what the contract says of identifiers.
var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)

// ImportResult is what was read. Offices have to be checked before they are stored: those of others have no region, node, kind,
// territories nor types of service, which the one who imports has to give.
type ImportResult struct {
	Offices []*directoryv1.Office
	// Omissions is what was given and left out, the first thousand.
	Omissions []Omission
	// MoreOmissions counts what was left out beyond them.
	MoreOmissions int
}

// Omission is a field that was given and left out.
type Omission struct {
	// Path is where it stands, for instance "contents[0].locations[1].latitude".
	Path string
	// Code says why in a word for programs, Reason in English and ReasonIT in Italian.
	Code, Reason, ReasonIT string
}

// UnreadableError is returned for a document that is none, or names what it holds badly.
type UnreadableError struct {
	// Reason says what is wrong.
	Reason UnreadableReason
	// Path is where, when it is a place in the document.
	Path string

	cause error
}

// UnreadableReason is what is wrong with a document as a whole.
type UnreadableReason int

// NotADocument is no document of the format at all; of the others the names say what is wrong.
const (
	NotADocument UnreadableReason = iota
	TooMany
	NoID
	BadID
	DuplicateID
)

func (e *UnreadableError) Error() string {
	said := [...]string{"this is no document of HSDS", "there are too many entries", "it has no id", "its id is none of an office", "the office is there twice"}[e.Reason]
	if e.Path != "" {
		said = e.Path + ": " + said
	}
	if e.cause != nil {
		said += ": " + e.cause.Error()
	}
	return said
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.cause }

// ParseHSDS reads offices from a document of the Human Services Data Specification 3: a page of organizations or of services, a
// list of them, or one. What HSDS wrote comes back as it was. Of what others wrote it takes what an office has a field for and
// says what it left out. It refuses what is no such document, too large, or names an office twice, badly or not at all, with an
// *UnreadableError.
func ParseHSDS(data []byte) (ImportResult, error) {
	if len(data) > maxHSDS {
		return ImportResult{}, &UnreadableError{Reason: NotADocument, cause: fmt.Errorf("it has more than %d bytes", maxHSDS)}
	}
	items, path, err := parseItems(data)
	if err != nil {
		return ImportResult{}, &UnreadableError{Reason: NotADocument, cause: err}
	}
	if len(items) > maxOffices {
		return ImportResult{}, &UnreadableError{Reason: TooMany}
	}
	r := &hsdsReader{}
	groups, err := r.groupByOrganization(items, path)
	if err != nil {
		return ImportResult{}, &UnreadableError{Reason: NotADocument, cause: err}
	}
	seen := map[string]bool{}
	for _, g := range groups {
		if g.organization.ID == "" {
			return ImportResult{}, &UnreadableError{Reason: NoID, Path: g.path}
		}
		o := r.office(g)
		switch {
		case !idPattern.MatchString(o.GetOfficeId()): // it is going to be the name of a file
			return ImportResult{}, &UnreadableError{Reason: BadID, Path: g.path}
		case seen[o.GetOfficeId()]:
			return ImportResult{}, &UnreadableError{Reason: DuplicateID, Path: g.path}
		}
		seen[o.GetOfficeId()] = true
		r.out.Offices = append(r.out.Offices, o)
	}
	return r.out, nil
}

// hsdsItems finds the entries of a document and where they stand.
func parseItems(data []byte) ([]json.RawMessage, string, error) {
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
type hsdsReader struct{ out ImportResult }

func (r *hsdsReader) omit(path string, w omissionReason) {
	if len(r.out.Omissions) == maxOmissions {
		r.out.MoreOmissions++
		return
	}
	r.out.Omissions = append(r.out.Omissions, Omission{Path: path, Code: w.code, Reason: w.en, ReasonIT: w.it})
}

// located is a part of a document with its path.
type located[T any] struct {
	path  string
	value T
}

// withPaths returns the items of a list with their paths.
func withPaths[T any](path string, items []T) []located[T] {
	out := make([]located[T], len(items))
	for i, item := range items {
		out[i] = located[T]{fmt.Sprintf("%s[%d]", path, i), item}
	}
	return out
}

// hsdsGroup is an organization with its services, wherever they stood.
type hsdsGroup struct {
	path         string
	organization hsdsOrganization
	services     []located[hsdsService]
}

// group decodes entries and gathers the services of an organization.
func (r *hsdsReader) groupByOrganization(items []json.RawMessage, path string) ([]*hsdsGroup, error) {
	var groups []*hsdsGroup
	byID := map[string]*hsdsGroup{}
	for _, item := range withPaths(path, items) {
		var probe struct {
			Status         *string          `json:"status"`
			Organization   *json.RawMessage `json:"organization"`
			OrganizationID *string          `json:"organization_id"`
		}
		if err := json.Unmarshal(item.value, &probe); err != nil {
			return nil, fmt.Errorf("%s: %w", item.path, err)
		}
		if probe.Status == nil && probe.Organization == nil && probe.OrganizationID == nil {
			var organization hsdsOrganization
			if err := r.decode(item.path, item.value, &organization); err != nil {
				return nil, err
			}
			groups = append(groups, &hsdsGroup{item.path, organization, withPaths(item.path+".services", organization.Services)})
			continue
		}
		var service hsdsService
		if err := r.decode(item.path, item.value, &service); err != nil {
			return nil, err
		}
		organization := organizationOf(service)
		if byID[organization.ID] == nil {
			byID[organization.ID] = &hsdsGroup{path: item.path + ".organization", organization: organization}
			groups = append(groups, byID[organization.ID])
			if len(organization.Services) > 0 {
				r.omit(item.path+".organization.services", reasonNestedServices)
			}
		}
		g := byID[organization.ID]
		g.services = append(g.services, located[hsdsService]{item.path, service})
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
	r.omitUnknown(path, "", tree, typeOf(into))
	return nil
}
