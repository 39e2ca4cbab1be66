package entry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// IsHidden tells whether an entry is shown to few. Whatever a newer contract adds to the two values hides, too.
func IsHidden(e *directoryv1.Entry) bool { return isHiddenOffice(e.GetOffice()) }

func isHiddenOffice(o *directoryv1.Office) bool {
	return o.GetVisibility() != directoryv1.Visibility_VISIBILITY_UNSPECIFIED
}

// VisibilityScope is which hidden entries somebody may see. The zero value is nobody's: none of them.
type VisibilityScope struct {
	// All of them.
	All bool
	// Node whose hidden entries they are; "" for none.
	Node string
}

// Includes tells whether an entry may be seen.
func (s VisibilityScope) Includes(e *directoryv1.Entry) bool {
	return !IsHidden(e) || s.All || s.Node != "" && NodeOf(e) == s.Node
}

// SplitHidden tells the entries that everybody may see from the hidden ones.
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

// hiddenPrefix begins the identifiers of hidden offices and of no others: so a public office cannot become hidden, when its
// history has long told where it is, nor back. The digits behind it are too many to try.
const hiddenPrefix = "riservato-"

var hiddenID = regexp.MustCompile(`^` + hiddenPrefix + `[0-9a-f]{16,}$`)

// hiddenOfficeProblems is what an office says about itself that a hidden one must not, or is not called as it must be.
func hiddenOfficeProblems(o *directoryv1.Office) (fields []fault.Field) {
	if isHiddenOffice(o) != hiddenID.MatchString(o.GetOfficeId()) || !isHiddenOffice(o) && strings.HasPrefix(o.GetOfficeId(), hiddenPrefix) {
		fields = append(fields, fault.Field{Path: "office_id", Reason: reason.HiddenID})
	}
	if !isHiddenOffice(o) {
		return fields
	}
	given := func(text, path string, args ...any) {
		if text != "" {
			fields = append(fields, fault.Field{Path: fmt.Sprintf(path, args...), Reason: reason.HiddenSaysWhere})
		}
	}
	for i, a := range o.GetAddresses() {
		given(a.GetStreet(), "addresses[%d].street", i)
		given(a.GetPostcode(), "addresses[%d].postcode", i)
		given(a.GetNote(), "addresses[%d].note", i)
	}
	given(o.GetSourceUrl(), "source_url")
	given(o.GetLogoUrl(), "logo_url")
	for i, s := range o.GetServices() {
		given(s.GetUrl(), "services[%d].url", i)
	}
	if len(o.GetLinks()) > 0 {
		given(o.GetLinks()[0].GetUrl()+o.GetLinks()[0].GetTitle(), "links")
	}
	return fields
}

// MixedVisibility are the positions of hidden entries that stand beside public ones or those of another node.
func MixedVisibility(all []*directoryv1.Entry) (positions []int) {
	public, restricted := SplitHidden(all)
	if len(restricted) == 0 || len(public) == 0 && !slices.ContainsFunc(restricted, func(e *directoryv1.Entry) bool { return NodeOf(e) != NodeOf(restricted[0]) }) {
		return nil
	}
	for i, e := range all {
		if IsHidden(e) {
			positions = append(positions, i)
		}
	}
	return positions
}
