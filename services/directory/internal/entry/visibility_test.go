package entry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
)

const hiddenOffice = "riservato-0123456789abcdef"

// Ensure a hidden office says nothing about where it is, and is called as no other office is.
func TestCheck_Hidden(t *testing.T) {
	t.Parallel()
	hide := func(o *directoryv1.Office) {
		o.OfficeId, o.Visibility = hiddenOffice, directoryv1.Visibility_VISIBILITY_HIDDEN
	}
	for _, c := range []struct {
		name  string
		spoil func(*directoryv1.Office)
		want  []string
	}{
		{"a telephone, an e-mail address and a municipality are allowed", func(o *directoryv1.Office) {
			hide(o)
			o.Emails, o.Addresses = []*directoryv1.Email{{Address: "a@b.it"}}, []*directoryv1.Address{{Municipality: "019036"}}
		}, nil},
		{"a street", func(o *directoryv1.Office) {
			hide(o)
			o.Addresses = []*directoryv1.Address{{Municipality: "019036"}, {Municipality: "019036", Street: "via Roma, 1"}}
		}, []string{"addresses[1].street HIDDEN_SAYS_WHERE"}},
		{"a postcode and a note", func(o *directoryv1.Office) {
			hide(o)
			o.Addresses = []*directoryv1.Address{{Municipality: "019036", Postcode: "26100", Note: "sopra il bar"}}
		}, []string{"addresses[0].note HIDDEN_SAYS_WHERE", "addresses[0].postcode HIDDEN_SAYS_WHERE"}},
		{"links and pages", func(o *directoryv1.Office) {
			hide(o)
			o.Links = []*directoryv1.Link{{Title: "Rifugio", Url: "https://example.org/"}}
			o.Services = []*directoryv1.Service{{Type: "RECEPTION", Url: "https://example.org/"}}
		}, []string{"links HIDDEN_SAYS_WHERE", "services[0].type UNKNOWN_CODE", "services[0].url HIDDEN_SAYS_WHERE"}},
		{"a public office that becomes hidden", func(o *directoryv1.Office) { o.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN }, []string{"office_id HIDDEN_ID"}},
		{"a hidden office that becomes public", func(o *directoryv1.Office) { o.OfficeId = hiddenOffice }, []string{"office_id HIDDEN_ID"}},
		{"a public office with the name of a hidden one", func(o *directoryv1.Office) { o.OfficeId = "riservato-sportello" }, []string{"office_id HIDDEN_ID"}},
		{"an identifier that can be tried", func(o *directoryv1.Office) { hide(o); o.OfficeId = "riservato-0123456789abcde" }, []string{"office_id HIDDEN_ID"}},
		{"an identifier that says something", func(o *directoryv1.Office) { hide(o); o.OfficeId = "riservato-casa-delle-donne" }, []string{"office_id HIDDEN_ID"}},
		{"a visibility that there is not", func(o *directoryv1.Office) { o.OfficeId, o.Visibility = hiddenOffice, 2 }, []string{"visibility UNKNOWN_VALUE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSound()
			c.spoil(s.office)
			var got []string
			for _, f := range entry.FindProblems([]*directoryv1.Entry{of(t, s.office)}, []*directoryv1.Entry{of(t, s.node), of(t, s.body)}, codes(), today)[entry.NewRef("office", s.office.GetOfficeId())] {
				got = append(got, f.Path+" "+string(f.Reason))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

// Ensure nothing names a hidden office, and is refused as if the office were not there.
func TestCheck_NamesHidden(t *testing.T) {
	t.Parallel()
	const name = "office/" + hiddenOffice
	s := newSound()
	s.office.OfficeId, s.office.Visibility = hiddenOffice, directoryv1.Visibility_VISIBILITY_HIDDEN
	s.room.Office, s.initiative.Organisers, s.programme.ReferenceOffices = name, []string{name}, []string{name}
	rest := []*directoryv1.Entry{of(t, s.body), of(t, s.node), of(t, s.other)}
	for _, m := range []proto.Message{s.room, s.initiative, s.programme} {
		e := of(t, m)
		problems := func(rest ...*directoryv1.Entry) (named []fault.Field) {
			for _, f := range entry.FindProblems([]*directoryv1.Entry{e}, rest, codes(), today)[entry.RefOf(e)] {
				if f.Reason == reason.UnknownEntry {
					named = append(named, f)
				}
			}
			return named
		}
		without, with := problems(rest...), problems(append(rest, of(t, s.office))...)
		if diff := cmp.Diff(without, with); diff != "" || len(with) == 0 {
			t.Errorf("%s (-without the office +with):\n%s", entry.RefOf(e), diff)
		}
	}
}

func TestSight(t *testing.T) {
	t.Parallel()
	s := newSound()
	public := of(t, s.office)
	hidden, _ := proto.Clone(public).(*directoryv1.Entry)
	hidden.GetOffice().Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	odd, _ := proto.Clone(public).(*directoryv1.Entry)
	odd.GetOffice().Visibility = 7
	for _, c := range []struct {
		scope entry.VisibilityScope
		sees  bool
	}{{entry.VisibilityScope{}, false}, {entry.VisibilityScope{Node: "cuneo"}, false}, {entry.VisibilityScope{Node: "cremona"}, true}, {entry.VisibilityScope{All: true}, true}} {
		if !c.scope.Includes(public) || c.scope.Includes(hidden) != c.sees || c.scope.Includes(odd) != c.sees {
			t.Errorf("%+v sees %t, %t, %t", c.scope, c.scope.Includes(public), c.scope.Includes(hidden), c.scope.Includes(odd))
		}
	}
	hidden.GetOffice().Node = ""
	if (entry.VisibilityScope{}).Includes(hidden) {
		t.Error("nobody sees the hidden office of no node")
	}
}

func of(t *testing.T, content proto.Message) *directoryv1.Entry {
	t.Helper()
	e, err := entry.New(content)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
