package entry

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/validate"
	"github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// Validate validates entries as one complete directory. It returns nil, or one joined error for each invalid entry,
// with a fault that lists its fields. Codes must be in force on the day of now.
func Validate(all []*directoryv1.Entry, codes *vocabulary.Set, now time.Time) error {
	problems := FindProblems(all, nil, codes, now)
	var errs []error
	for _, e := range all {
		if fields := problems[RefOf(e)]; len(fields) > 0 {
			errs = append(errs, fmt.Errorf("%s: %w", RefOf(e), fault.Invalid(fields...)))
		}
	}
	return errors.Join(errs...)
}

// FindProblems validates changed entries together with the rest of the directory, which is already valid. It returns
// the invalid fields of each entry.
func FindProblems(changed, rest []*directoryv1.Entry, codes *vocabulary.Set, now time.Time) map[Ref][]fault.Field {
	byRef := make(map[Ref]*directoryv1.Entry, len(changed)+len(rest))
	all := slices.Concat(rest, changed)
	for _, e := range all {
		byRef[RefOf(e)] = e
	}
	problems := map[Ref][]fault.Field{}
	for _, e := range changed {
		fields, err := validate.Message(protovalidate.GlobalValidator, Content(e))
		if err != nil { // rules that cannot run must not let the entry pass
			fields = []fault.Field{{Path: "", Reason: fault.Internal}}
		}
		fields = append(fields, vocabulary.Violations(codes, Content(e), now)...)
		fields = append(fields, rangeProblems(Content(e).ProtoReflect(), "")...)
		fields = append(fields, brokenReferences(e, byRef)...)
		fields = append(fields, contentProblems(e)...)
		if len(fields) > 0 {
			problems[RefOf(e)] = fields
		}
	}
	// Only a changed node can cause a new conflict between nodes.
	if slices.ContainsFunc(changed, func(e *directoryv1.Entry) bool { return e.GetNode() != nil }) {
		for ref, fields := range nodeConflicts(all) {
			problems[ref] = append(problems[ref], fields...)
		}
	}
	for ref := range problems {
		slices.SortStableFunc(problems[ref], func(a, b fault.Field) int { return cmp.Compare(a.Path, b.Path) })
	}
	return problems
}

// brokenReferences returns the fields that refer to an entry that does not exist, is hidden, or is of a kind that the
// field does not allow.
func brokenReferences(e *directoryv1.Entry, byRef map[Ref]*directoryv1.Entry) (fields []fault.Field) {
	walkReferences(e, func(path string, kinds []string, ref Ref) {
		// A reference to a hidden entry would reveal that it exists, so it fails like one to a missing entry.
		if byRef[ref] == nil || IsHidden(byRef[ref]) || !slices.Contains(kinds, ref.Kind()) {
			fields = append(fields, fault.Field{Path: path, Reason: reason.UnknownEntry})
		}
	})
	return fields
}

// rangeFields are the pairs of fields that form a range in any message that has both.
var rangeFields = []struct {
	begin, end protoreflect.Name
	reason     fault.Reason
	allowEqual bool
}{
	{"valid_from", "valid_to", reason.RangeReversed, true},
	{"from", "to", reason.RangeReversed, true},
	{"opens", "closes", reason.ClosesBeforeOpens, false},
}

// rangeProblems returns the ranges that end before they begin.
func rangeProblems(m protoreflect.Message, prefix string) (fields []fault.Field) {
	walkMessages(m, prefix, func(path string, m protoreflect.Message) {
		for _, p := range rangeFields {
			begin, end := stringField(m, p.begin), stringField(m, p.end)
			if end == "" || begin < end || p.allowEqual && begin == end {
				continue
			}
			fields = append(fields, fault.Field{Path: path + string(p.end), Reason: p.reason})
		}
	})
	return fields
}

// stringField returns the value of a singular string field, or "" if the message has no such field.
func stringField(m protoreflect.Message, name protoreflect.Name) string {
	field := m.Descriptor().Fields().ByName(name)
	if field == nil {
		return ""
	}
	value, _ := m.Get(field).Interface().(string)
	return value
}

// walkMessages visits a message and all messages below it, each with the path prefix of its fields.
func walkMessages(m protoreflect.Message, prefix string, visit func(path string, m protoreflect.Message)) {
	visit(prefix, m)
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				walkMessages(v.List().Get(i).Message(), fmt.Sprintf("%s%s[%d].", prefix, field.Name(), i), visit)
			}
		default:
			walkMessages(v.Message(), prefix+string(field.Name())+".", visit)
		}
		return true
	})
}

// contentProblems returns the fields of an entry that contradict other fields of the same entry.
func contentProblems(e *directoryv1.Entry) []fault.Field {
	switch c := Content(e).(type) {
	case *directoryv1.Office:
		return append(openingProblems(c), hiddenOfficeProblems(c)...)
	case *directoryv1.Node:
		return hostProblems(c)
	case *directoryv1.Initiative:
		return initiativeProblems(c)
	case *directoryv1.Course:
		return courseProblems(c)
	case *directoryv1.Programme:
		return programmeProblems(c)
	}
	return nil
}

func hostProblems(n *directoryv1.Node) (fields []fault.Field) {
	for i, a := range n.GetHosts() {
		for _, b := range n.GetHosts()[:i] {
			if overlaps(a.GetFrom(), a.GetTo(), b.GetFrom(), b.GetTo()) {
				fields = append(fields, fault.Field{Path: fmt.Sprintf("hosts[%d].from", i), Reason: reason.Overlap})
				break
			}
		}
	}
	return fields
}

// overlaps reports whether two ranges of days share a day. An empty end is open.
func overlaps(fromA, toA, fromB, toB string) bool {
	const never = "9999-12-31"
	return fromA <= cmp.Or(toB, never) && fromB <= cmp.Or(toA, never)
}

func initiativeProblems(n *directoryv1.Initiative) (fields []fault.Field) {
	previous := ""
	for i, s := range n.GetSessions() {
		start := s.GetDate() + s.GetOpens()
		if !isValidOn(s.GetDate(), n.GetProvenance()) || start < previous {
			fields = append(fields,
				fault.Field{Path: fmt.Sprintf("sessions[%d].date", i), Reason: reason.OutsideSeries})
		}
		previous = start
		if s.GetTheme() != "" && !slices.Contains(n.GetThemes(), s.GetTheme()) {
			fields = append(fields, fault.Field{Path: fmt.Sprintf("sessions[%d].theme", i), Reason: reason.NotListed})
		}
	}
	if n.GetAgeTo() != 0 && n.GetAgeTo() < n.GetAgeFrom() {
		fields = append(fields, fault.Field{Path: "age_to", Reason: reason.RangeReversed})
	}
	return fields
}

func isValidOn(day string, p *directoryv1.Provenance) bool {
	return p.GetValidFrom() <= day && (p.GetValidTo() == "" || day <= p.GetValidTo())
}

func courseProblems(c *directoryv1.Course) (fields []fault.Field) {
	modules := map[string]bool{"": true}
	for _, m := range c.GetModules() {
		modules[m.GetCode()] = true
	}
	for i, edition := range c.GetEditions() {
		for j, a := range edition.GetAttendance() {
			if !modules[a.GetModule()] {
				path := fmt.Sprintf("editions[%d].attendance[%d].module", i, j)
				fields = append(fields, fault.Field{Path: path, Reason: reason.NotListed})
			}
		}
	}
	return fields
}

func programmeProblems(p *directoryv1.Programme) []fault.Field {
	var sum int64
	for _, line := range p.GetBudget().GetLines() {
		sum += line.GetCents()
	}
	if total := p.GetBudget().GetTotalCents(); total != 0 && sum > total {
		return []fault.Field{{Path: "budget.lines", Reason: reason.SumTooLarge}}
	}
	return nil
}
