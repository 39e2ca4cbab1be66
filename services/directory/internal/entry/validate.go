package entry

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// Validate returns everything that is wrong with entries that are to stand together: an error that names each entry with a
// fault for its fields, or nil. Codes must be in force on the day of now.
func Validate(all []*directoryv1.Entry, codes *vocabulary.Set, now time.Time) error {
	wrong := FindProblems(all, nil, codes, now)
	var problems []error
	for _, e := range all {
		if fields := wrong[RefOf(e)]; len(fields) > 0 {
			problems = append(problems, fmt.Errorf("%s: %w", RefOf(e), fault.Invalid(fields...)))
		}
	}
	return errors.Join(problems...)
}

// FindProblems is Check for a program, and for entries that come to others, which were checked before: what is wrong, by entry.
func FindProblems(all, rest []*directoryv1.Entry, codes *vocabulary.Set, now time.Time) map[Ref][]fault.Field {
	there := make(map[Ref]*directoryv1.Entry, len(all)+len(rest))
	together := slices.Concat(rest, all)
	for _, e := range together {
		there[RefOf(e)] = e
	}
	wrong := map[Ref][]fault.Field{}
	for _, e := range all {
		fields, err := rpc.Shape(protovalidate.GlobalValidator, Content(e))
		if err != nil { // rules that cannot be run let nothing pass
			fields = []fault.Field{{Path: "", Reason: fault.Internal}}
		}
		fields = append(fields, vocabulary.Violations(codes, Content(e), now)...)
		fields = append(fields, dateProblems(Content(e).ProtoReflect(), "")...)
		fields = append(fields, brokenReferences(e, there)...)
		fields = append(fields, contentProblems(e)...)
		if len(fields) > 0 {
			wrong[RefOf(e)] = fields
		}
	}
	if slices.ContainsFunc(all, func(e *directoryv1.Entry) bool { return e.GetNode() != nil }) { // else the nodes are as they were
		for ref, fields := range nodeConflicts(together) {
			wrong[ref] = append(wrong[ref], fields...)
		}
	}
	for ref := range wrong {
		slices.SortStableFunc(wrong[ref], func(a, b fault.Field) int { return cmp.Compare(a.Path, b.Path) })
	}
	return wrong
}

// brokenReferences tells which fields name an entry that is not there as far as everybody knows, or is of a kind that they may not name.
func brokenReferences(e *directoryv1.Entry, there map[Ref]*directoryv1.Entry) (fields []fault.Field) {
	walkReferences(e, func(path string, kinds []string, ref Ref) {
		// Nobody names what is hidden: that it is named would tell that it is there.
		if there[ref] == nil || IsHidden(there[ref]) || !slices.Contains(kinds, ref.Kind()) {
			fields = append(fields, fault.Field{Path: path, Reason: reason.UnknownEntry})
		}
	})
	return fields
}

var datePattern = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// rangeFields are fields that stand for the two ends of something wherever they stand together.
var rangeFields = []struct {
	begin, end protoreflect.Name
	reason     fault.Reason
	touch      bool // whether both may be the same
}{
	{"valid_from", "valid_to", reason.RangeReversed, true}, {"from", "to", reason.RangeReversed, true}, {"opens", "closes", reason.ClosesBeforeOpens, false},
}

// dateProblems tells which dateProblems do not exist, and what ends before it begins.
func dateProblems(m protoreflect.Message, prefix string) (fields []fault.Field) {
	walkValues(m, prefix, func(path string, field protoreflect.FieldDescriptor, v protoreflect.Value) {
		if field.Kind() != protoreflect.StringKind || !datePattern.MatchString(v.String()) {
			return
		}
		if _, err := time.Parse(time.DateOnly, v.String()); err != nil {
			fields = append(fields, fault.Field{Path: path, Reason: fault.ImpossibleDate})
		}
	})
	walkMessages(m, prefix, func(path string, m protoreflect.Message) {
		for _, p := range rangeFields {
			begin, end := stringField(m, p.begin), stringField(m, p.end)
			if begin == "" || end == "" || begin < end || p.touch && begin == end {
				continue
			}
			fields = append(fields, fault.Field{Path: path + string(p.end), Reason: p.reason})
		}
	})
	return fields
}

func stringField(m protoreflect.Message, name protoreflect.Name) string {
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return m.Get(field).String()
}

// walkMessages visits a message and all that it holds, each with the path that its fields begin with.
func walkMessages(m protoreflect.Message, prefix string, visit func(path string, m protoreflect.Message)) {
	visit(prefix, m)
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
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

// contentProblems tells what an entry says that contradicts itself.
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

// overlaps tells whether two stretches of days share one. An empty end is open.
func overlaps(fromA, toA, fromB, toB string) bool {
	const never = "9999-12-31"
	return fromA <= cmp.Or(toB, never) && fromB <= cmp.Or(toA, never)
}

func initiativeProblems(n *directoryv1.Initiative) (fields []fault.Field) {
	before := ""
	for i, s := range n.GetSessions() {
		begins := s.GetDate() + s.GetOpens()
		if !isValidOn(s.GetDate(), n.GetProvenance()) || begins < before {
			fields = append(fields, fault.Field{Path: fmt.Sprintf("sessions[%d].date", i), Reason: reason.OutsideSeries})
		}
		before = begins
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
				fields = append(fields, fault.Field{Path: fmt.Sprintf("editions[%d].attendance[%d].module", i, j), Reason: reason.NotListed})
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
