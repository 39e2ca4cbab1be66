package entry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// IsHidden reports whether an entry has restricted visibility. An unknown value of a newer contract counts as hidden.
func IsHidden(e *directoryv1.Entry) bool { return isHiddenOffice(e.GetOffice()) }

func isHiddenOffice(o *directoryv1.Office) bool {
	return o.GetVisibility() != directoryv1.Visibility_VISIBILITY_UNSPECIFIED
}

// VisibilityScope determines which hidden entries a caller may see. The zero value includes none.
type VisibilityScope struct {
	// All includes every hidden entry.
	All bool
	// Tenant includes the hidden entries of this node; the zero value includes none.
	Tenant tenant.ID
}

// Includes reports whether the caller may see an entry.
func (s VisibilityScope) Includes(e *directoryv1.Entry) bool {
	return !IsHidden(e) || s.All || OwnedBy(e, s.Tenant)
}

// SplitHidden separates the public entries from the hidden ones.
func SplitHidden(all []*directoryv1.Entry) (public, restricted []*directoryv1.Entry) {
	for _, e := range all {
		if IsHidden(e) {
			restricted = append(restricted, e)
		} else {
			public = append(public, e)
		}
	}
	return public, restricted
}

// hiddenPrefix begins the identifiers of hidden offices and of no others. So a public office cannot become hidden,
// since its history already reveals its address, and a hidden one cannot become public. The hex digits that follow are
// too many to guess.
const hiddenPrefix = "riservato-"

var hiddenID = regexp.MustCompile(`^` + hiddenPrefix + `[0-9a-f]{16,}$`)

// hiddenOfficeProblems returns the fields of an office that would reveal its address although it is hidden, and an
// identifier that does not match its visibility.
func hiddenOfficeProblems(o *directoryv1.Office) (fields []fault.Field) {
	if isHiddenOffice(o) != hiddenID.MatchString(o.GetOfficeId()) || !isHiddenOffice(o) &&
		strings.HasPrefix(o.GetOfficeId(), hiddenPrefix) {
		fields = append(fields, fault.Field{Path: "office_id", Reason: reason.HiddenID})
	}
	if !isHiddenOffice(o) {
		return fields
	}
	forbid := func(text, path string, args ...any) {
		if text != "" {
			fields = append(fields, fault.Field{Path: fmt.Sprintf(path, args...), Reason: reason.HiddenSaysWhere})
		}
	}
	for i, a := range o.GetAddresses() {
		forbid(a.GetStreet(), "addresses[%d].street", i)
		forbid(a.GetPostcode(), "addresses[%d].postcode", i)
		forbid(a.GetNote(), "addresses[%d].note", i)
	}
	forbid(o.GetSourceUrl(), "source_url")
	forbid(o.GetLogoUrl(), "logo_url")
	for i, s := range o.GetServices() {
		forbid(s.GetUrl(), "services[%d].url", i)
	}
	if links := o.GetLinks(); len(links) > 0 {
		forbid(links[0].GetUrl()+links[0].GetTitle(), "links")
	}
	return fields
}

// MixedVisibility returns the positions of the hidden entries among all, if these also hold public entries or hidden
// ones of another node. It returns nil if all are public, or all are hidden and of one node.
func MixedVisibility(all []*directoryv1.Entry) (positions []int) {
	public, restricted := SplitHidden(all)
	ofOtherNode := func(e *directoryv1.Entry) bool { return !SameOwner(e, restricted[0]) }
	if len(public) == 0 && !slices.ContainsFunc(restricted, ofOtherNode) {
		return nil
	}
	for i, e := range all {
		if IsHidden(e) {
			positions = append(positions, i)
		}
	}
	return positions
}
