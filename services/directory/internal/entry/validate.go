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
		fields = append(fields, days(Content(e).ProtoReflect(), "")...)
		fields = append(fields, missing(e, there)...)
		fields = append(fields, own(e)...)
		if len(fields) > 0 {
			wrong[RefOf(e)] = fields
		}
	}
	if slices.ContainsFunc(all, func(e *directoryv1.Entry) bool { return e.GetNode() != nil }) { // else the nodes are as they were
		for ref, fields := range between(together) {
			wrong[ref] = append(wrong[ref], fields...)
		}
	}
	for ref := range wrong {
		slices.SortStableFunc(wrong[ref], func(a, b fault.Field) int { return cmp.Compare(a.Path, b.Path) })
	}
	return wrong
}

// missing tells which fields name an entry that is not there as far as everybody knows, or is of a kind that they may not name.
func missing(e *directoryv1.Entry, there map[Ref]*directoryv1.Entry) (fields []fault.Field) {
	references(e, func(path string, kinds []string, ref Ref) {
		// Nobody names what is hidden: that it is named would tell that it is there.
		if there[ref] == nil || IsHidden(there[ref]) || !slices.Contains(kinds, ref.Kind()) {
			fields = append(fields, fault.Field{Path: path, Reason: reason.UnknownEntry})
		}
	})
	return fields
}

var day = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// pairs are fields that stand for the two ends of something wherever they stand together.
var pairs = []struct {
	begin, end protoreflect.Name
	reason     fault.Reason
	touch      bool // whether both may be the same
}{
	{"valid_from", "valid_to", reason.RangeReversed, true}, {"from", "to", reason.RangeReversed, true}, {"opens", "closes", reason.ClosesBeforeOpens, false},
}

// days tells which days do not exist, and what ends before it begins.
func days(m protoreflect.Message, prefix string) (fields []fault.Field) {
	leaves(m, prefix, func(path string, field protoreflect.FieldDescriptor, v protoreflect.Value) {
		if field.Kind() != protoreflect.StringKind || !day.MatchString(v.String()) {
			return
		}
		if _, err := time.Parse(time.DateOnly, v.String()); err != nil {
			fields = append(fields, fault.Field{Path: path, Reason: fault.ImpossibleDate})
		}
	})
	messages(m, prefix, func(path string, m protoreflect.Message) {
		for _, p := range pairs {
			begin, end := text(m, p.begin), text(m, p.end)
			if begin == "" || end == "" || begin < end || p.touch && begin == end {
				continue
			}
			fields = append(fields, fault.Field{Path: path + string(p.end), Reason: p.reason})
		}
	})
	return fields
}

func text(m protoreflect.Message, name protoreflect.Name) string {
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return m.Get(field).String()
}

// messages visits a message and all that it holds, each with the path that its fields begin with.
func messages(m protoreflect.Message, prefix string, visit func(path string, m protoreflect.Message)) {
	visit(prefix, m)
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range v.List().Len() {
				messages(v.List().Get(i).Message(), fmt.Sprintf("%s%s[%d].", prefix, field.Name(), i), visit)
			}
		default:
			messages(v.Message(), prefix+string(field.Name())+".", visit)
		}
		return true
	})
}

// own tells what an entry says that contradicts itself.
func own(e *directoryv1.Entry) []fault.Field {
	switch c := Content(e).(type) {
	case *directoryv1.Office:
		return append(openings(c), tells(c)...)
	case *directoryv1.Node:
		return hosts(c)
	case *directoryv1.Initiative:
		return sessions(c)
	case *directoryv1.Course:
		return attendances(c)
	case *directoryv1.Programme:
		return budget(c)
	}
	return nil
}

func hosts(n *directoryv1.Node) (fields []fault.Field) {
	for i, a := range n.GetHosts() {
		for _, b := range n.GetHosts()[:i] {
			if overlap(a.GetFrom(), a.GetTo(), b.GetFrom(), b.GetTo()) {
				fields = append(fields, fault.Field{Path: fmt.Sprintf("hosts[%d].from", i), Reason: reason.Overlap})
				break
			}
		}
	}
	return fields
}

// overlap tells whether two stretches of days share one. An empty end is open.
func overlap(fromA, toA, fromB, toB string) bool {
	const never = "9999-12-31"
	return fromA <= cmp.Or(toB, never) && fromB <= cmp.Or(toA, never)
}

func sessions(n *directoryv1.Initiative) (fields []fault.Field) {
	before := ""
	for i, s := range n.GetSessions() {
		begins := s.GetDate() + s.GetOpens()
		if !within(s.GetDate(), n.GetProvenance()) || begins < before {
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

func within(day string, p *directoryv1.Provenance) bool {
	return p.GetValidFrom() <= day && (p.GetValidTo() == "" || day <= p.GetValidTo())
}

func attendances(c *directoryv1.Course) (fields []fault.Field) {
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

func budget(p *directoryv1.Programme) []fault.Field {
	var sum int64
	for _, line := range p.GetBudget().GetLines() {
		sum += line.GetCents()
	}
	if total := p.GetBudget().GetTotalCents(); total != 0 && sum > total {
		return []fault.Field{{Path: "budget.lines", Reason: reason.SumTooLarge}}
	}
	return nil
}
