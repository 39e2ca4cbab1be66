package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Limits of a document, and of the omissions that a result lists.
const (
	maxHSDS      = 16 << 20
	maxOffices   = 5000
	maxOmissions = 1000
)

// idPattern is the pattern of identifiers in the contract.
var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)

// ImportResult holds the offices of a document. They must be validated before they are stored: foreign ones lack
// region, node, kind, territories and service types, which the importer has to add.
type ImportResult struct {
	Offices []*directoryv1.Office
	// Omissions lists the first thousand fields that were left out.
	Omissions []Omission
	// MoreOmissions counts the others.
	MoreOmissions int
}

// Omission is a field of a document that was left out.
type Omission struct {
	// Path is the path of the field, for instance "contents[0].locations[1].latitude".
	Path string
	// Code is the reason for programs, Reason in English and ReasonIT in Italian.
	Code, Reason, ReasonIT string
}

// UnreadableError is the error for a document that cannot be read, or that identifies an office badly.
type UnreadableError struct {
	// Reason is what is wrong.
	Reason UnreadableReason
	// Path is the path of the problem, if it has one.
	Path string

	cause error
}

// UnreadableReason is what is wrong with a document as a whole.
type UnreadableReason int

// NotADocument means that the document does not have the format at all.
const (
	NotADocument UnreadableReason = iota
	TooMany
	NoID
	BadID
	DuplicateID
)

func (e *UnreadableError) Error() string {
	text := [...]string{
		NotADocument: "not an HSDS document", TooMany: "too many entries", NoID: "no id",
		BadID: "invalid office id", DuplicateID: "duplicate office",
	}[e.Reason]
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.cause }

// ParseHSDS parses offices from a document of the Human Services Data Specification 3: a page of organizations or of
// services, a list of them, or a single one. Documents of EncodeHSDS round-trip. Of foreign ones it takes the fields
// that an office has, and lists the others as omissions. It returns an *UnreadableError for a document that is too
// large or not HSDS, and for an office whose id is missing, invalid or duplicate.
func ParseHSDS(data []byte) (ImportResult, error) {
	if len(data) > maxHSDS {
		cause := fmt.Errorf("more than %d bytes", maxHSDS)
		return ImportResult{}, &UnreadableError{Reason: NotADocument, cause: cause}
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
		case !idPattern.MatchString(o.GetOfficeId()): // clients use it as a file name
			return ImportResult{}, &UnreadableError{Reason: BadID, Path: g.path}
		case seen[o.GetOfficeId()]:
			return ImportResult{}, &UnreadableError{Reason: DuplicateID, Path: g.path}
		}
		seen[o.GetOfficeId()] = true
		r.out.Offices = append(r.out.Offices, o)
	}
	return r.out, nil
}

// parseItems returns the items of a document and the path of their list.
func parseItems(data []byte) ([]json.RawMessage, string, error) {
	var items []json.RawMessage
	start := strings.TrimLeft(string(data[:min(len(data), 64)]), " \t\r\n")
	if strings.HasPrefix(start, "[") {
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
	return nil, "", errors.New("neither contents nor an id")
}

// hsdsReader reads a document and collects the offices and omissions.
type hsdsReader struct{ out ImportResult }

// omit records that a field was left out.
func (r *hsdsReader) omit(path string, reason omissionReason) {
	if len(r.out.Omissions) == maxOmissions {
		r.out.MoreOmissions++
		return
	}
	omission := Omission{Path: path, Code: reason.code, Reason: reason.en, ReasonIT: reason.it}
	r.out.Omissions = append(r.out.Omissions, omission)
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

// hsdsGroup is an organization with its services, whether they were nested or not.
type hsdsGroup struct {
	path         string
	organization hsdsOrganization
	services     []located[hsdsService]
}

// groupByOrganization decodes the items of a document, and groups services by their organization.
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
			services := withPaths(item.path+".services", organization.Services)
			groups = append(groups, &hsdsGroup{item.path, organization, services})
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

// organizationOf returns the organization of a service that is not nested. If it has none, the service becomes one.
func organizationOf(s hsdsService) hsdsOrganization {
	if s.Organization != nil {
		return *s.Organization
	}
	if s.OrganizationID != "" {
		return hsdsOrganization{ID: s.OrganizationID, Name: s.Name, Description: s.Description}
	}
	return hsdsOrganization{ID: s.ID, Name: s.Name, Description: s.Description}
}

// decode decodes an item, and omits its fields that the target does not have.
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
