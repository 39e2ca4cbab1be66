package entry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
)

const hiddenOffice = "riservato-0123456789abcdef"

// Ensure a hidden office reveals no address, and only hidden offices have the identifiers of hidden ones.
func TestFindProblems_HiddenOffice(t *testing.T) {
	t.Parallel()
	hide := func(o *directoryv1.Office) {
		o.OfficeId, o.Visibility = hiddenOffice, directoryv1.Visibility_VISIBILITY_HIDDEN
	}
	for _, c := range []struct {
		name string
		edit func(*directoryv1.Office)
		want []string
	}{
		{"a telephone, an e-mail address and a municipality are allowed", func(o *directoryv1.Office) {
			hide(o)
			o.Emails, o.Addresses = []*directoryv1.Email{{Address: "a@b.it"}},
				[]*directoryv1.Address{{Municipality: "019036"}}
		}, nil},
		{"a public office says where it is", func(o *directoryv1.Office) {
			o.Addresses = []*directoryv1.Address{{Municipality: "019036", Street: "via Roma, 1", Postcode: "26100"}}
		}, nil},
		{"a street", func(o *directoryv1.Office) {
			hide(o)
			o.Addresses = []*directoryv1.Address{{Municipality: "019036"},
				{Municipality: "019036", Street: "via Roma, 1"}}
		}, []string{"addresses[1].street HIDDEN_SAYS_WHERE"}},
		{"a postcode and a note", func(o *directoryv1.Office) {
			hide(o)
			o.Addresses = []*directoryv1.Address{{Municipality: "019036", Postcode: "26100", Note: "sopra il bar"}}
		}, []string{"addresses[0].note HIDDEN_SAYS_WHERE", "addresses[0].postcode HIDDEN_SAYS_WHERE"}},
		{"a source page and a logo", func(o *directoryv1.Office) {
			hide(o)
			o.SourceUrl, o.LogoUrl = "https://example.org/", "https://example.org/logo.png"
		}, []string{"logo_url HIDDEN_SAYS_WHERE", "source_url HIDDEN_SAYS_WHERE"}},
		{"links and pages", func(o *directoryv1.Office) {
			hide(o)
			o.Links = []*directoryv1.Link{{Title: "Rifugio", Url: "https://example.org/"}}
			o.Services = []*directoryv1.Service{{Type: "RECEPTION", Url: "https://example.org/"}}
		}, []string{"links HIDDEN_SAYS_WHERE", "services[0].type UNKNOWN_CODE", "services[0].url HIDDEN_SAYS_WHERE"}},
		{"a public office that becomes hidden",
			func(o *directoryv1.Office) { o.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN },
			[]string{"office_id HIDDEN_ID"}},
		{"a hidden office that becomes public", func(o *directoryv1.Office) { o.OfficeId = hiddenOffice },
			[]string{"office_id HIDDEN_ID"}},
		{"a public office with the name of a hidden one",
			func(o *directoryv1.Office) { o.OfficeId = "riservato-sportello" }, []string{"office_id HIDDEN_ID"}},
		{"an identifier that is short enough to guess",
			func(o *directoryv1.Office) { hide(o); o.OfficeId = "riservato-0123456789abcde" },
			[]string{"office_id HIDDEN_ID"}},
		{"an identifier with a meaning",
			func(o *directoryv1.Office) { hide(o); o.OfficeId = "riservato-casa-delle-donne" },
			[]string{"office_id HIDDEN_ID"}},
		{"an unknown visibility", func(o *directoryv1.Office) { o.OfficeId, o.Visibility = hiddenOffice, 2 },
			[]string{"visibility UNKNOWN_VALUE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := newFixture()
			c.edit(env.office)
			var got []string
			changed := []*directoryv1.Entry{newEntry(t, env.office)}
			rest := []*directoryv1.Entry{newEntry(t, env.node), newEntry(t, env.body)}
			for _, f := range entry.FindProblems(changed, rest, codes(), today)[entry.RefOf(changed[0])] {
				got = append(got, f.Path+" "+string(f.Reason))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

// Ensure a reference to a hidden office fails exactly like one to a missing office.
func TestFindProblems_ReferenceToHiddenOffice(t *testing.T) {
	t.Parallel()
	const ref = "office/" + hiddenOffice
	env := newFixture()
	env.office.OfficeId, env.office.Visibility = hiddenOffice, directoryv1.Visibility_VISIBILITY_HIDDEN
	env.room.Office, env.initiative.Organisers, env.programme.ReferenceOffices = ref, []string{ref}, []string{ref}
	rest := []*directoryv1.Entry{newEntry(t, env.body), newEntry(t, env.node), newEntry(t, env.other)}
	for _, m := range []proto.Message{env.room, env.initiative, env.programme} {
		e := newEntry(t, m)
		problems := func(rest ...*directoryv1.Entry) (unknown []fault.Field) {
			for _, f := range entry.FindProblems([]*directoryv1.Entry{e}, rest, codes(), today)[entry.RefOf(e)] {
				if f.Reason == reason.UnknownEntry {
					unknown = append(unknown, f)
				}
			}
			return unknown
		}
		without, with := problems(rest...), problems(append(rest, newEntry(t, env.office))...)
		if diff := cmp.Diff(without, with); diff != "" || len(with) == 0 {
			t.Errorf("%s (-without the office +with):\n%s", entry.RefOf(e), diff)
		}
	}
}

// Ensure only the scope of an entry's own node, or of all entries, includes a hidden entry.
func TestVisibilityScope_Includes(t *testing.T) {
	t.Parallel()
	env := newFixture()
	public := newEntry(t, env.office)
	hidden, _ := proto.Clone(public).(*directoryv1.Entry)
	hidden.GetOffice().Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	unknown, _ := proto.Clone(public).(*directoryv1.Entry)
	unknown.GetOffice().Visibility = 7
	for _, c := range []struct {
		scope entry.VisibilityScope
		want  bool
	}{
		{entry.VisibilityScope{}, false},
		{entry.VisibilityScope{Tenant: tenant.ID{Region: "piemonte", Node: "cuneo"}}, false},
		{entry.VisibilityScope{Tenant: tenant.ID{Region: "piemonte", Node: "cremona"}}, false},
		{entry.VisibilityScope{Tenant: tenant.ID{Region: "lombardia", Node: "centre"}}, false},
		{entry.VisibilityScope{Tenant: tenant.Centre}, false},
		{entry.VisibilityScope{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}}, true},
		{entry.VisibilityScope{All: true}, true},
	} {
		if !c.scope.Includes(public) {
			t.Errorf("%+v excludes a public office", c.scope)
		}
		if got := c.scope.Includes(hidden); got != c.want {
			t.Errorf("%+v includes a hidden office: %t, want %t", c.scope, got, c.want)
		}
		if got := c.scope.Includes(unknown); got != c.want {
			t.Errorf("%+v includes an office of unknown visibility: %t, want %t", c.scope, got, c.want)
		}
	}
	hidden.GetOffice().Node = ""
	if (entry.VisibilityScope{}).Includes(hidden) {
		t.Error("the empty scope includes a hidden office without a node")
	}
}

// Ensure entries of mixed visibility are found, and so are hidden entries of two nodes.
func TestMixedVisibility(t *testing.T) {
	t.Parallel()
	office := func(node string, v directoryv1.Visibility) *directoryv1.Entry {
		return newEntry(t, &directoryv1.Office{OfficeId: "a", Region: "lombardia", Node: node, Visibility: v})
	}
	const shown, hidden = directoryv1.Visibility_VISIBILITY_UNSPECIFIED, directoryv1.Visibility_VISIBILITY_HIDDEN
	elsewhere := office("livo", hidden)
	elsewhere.GetOffice().Region = "trentino-alto-adige"
	for _, c := range []struct {
		name    string
		entries []*directoryv1.Entry
		want    []int
	}{
		{"no entries", nil, nil},
		{"public entries only", []*directoryv1.Entry{office("cremona", shown), office("cuneo", shown)}, nil},
		{"hidden entries of one node", []*directoryv1.Entry{office("cremona", hidden), office("cremona", hidden)}, nil},
		{"hidden entries of two nodes", []*directoryv1.Entry{office("cremona", hidden), office("cuneo", hidden)},
			[]int{0, 1}},
		{"hidden entries of one name in two regions", []*directoryv1.Entry{office("livo", hidden), elsewhere},
			[]int{0, 1}},
		{"a hidden entry after a public one", []*directoryv1.Entry{office("cremona", shown), office("cremona", hidden)},
			[]int{1}},
	} {
		if diff := cmp.Diff(c.want, entry.MixedVisibility(c.entries)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func newEntry(t *testing.T, content proto.Message) *directoryv1.Entry {
	t.Helper()
	e, err := entry.New(content)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
