package office_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/office"
)

// Ensure preferences for languages and accessibility rank the offices that meet them first, and exclude none.
func TestIndex_Find_RanksPreferences(t *testing.T) {
	t.Parallel()
	in := func(territory string) func(*office.Office) {
		return func(o *office.Office) { o.Territories = []string{territory} }
	}
	with := func(territory string, languages, accessibility []string) func(*office.Office) {
		return func(o *office.Office) {
			o.Territories, o.Languages, o.Accessibility = []string{territory}, languages, accessibility
		}
	}
	index := newIndex([]office.Office{
		newOffice("a-silent", in("019036")),
		newOffice("b-arabic", with("019036", []string{"IT", "AR"}, nil)),
		newOffice("c-both", with("019036", []string{"AR", "FR"}, []string{"LIFT"})),
		newOffice("d-lift", with("019036", nil, []string{"LIFT", "STEP_FREE"})),
		newOffice("e-side-door", func(o *office.Office) {
			o.Territories, o.Addresses = []string{"019036"},
				[]office.Address{{Purpose: office.PurposeAccessibleEntrance}}
		}),
		newOffice("f-signs", with("019036", nil, []string{"LIS_BOOKABLE"})),
		newOffice("g-training", func(o *office.Office) {
			o.Territories, o.Services, o.Languages = []string{"019036"}, []office.Service{{Type: "TRAINING"}},
				[]string{"AR", "FR", "LIS"}
		}),
		newOffice("h-province", with("019", []string{"AR", "FR"}, []string{"LIFT"})),
		newOffice("i-sex", func(o *office.Office) { o.Territories, o.Grounds = []string{"019036"}, []string{"SEX"} }),
	}, places)
	for _, c := range []struct {
		name  string
		query office.Query
		want  []string
	}{
		{"no preference", office.Query{},
			[]string{"a-silent", "b-arabic", "c-both", "d-lift", "e-side-door", "f-signs", "i-sex", "g-training",
				"h-province"}},
		{"one language", office.Query{Languages: []string{"AR"}},
			[]string{"b-arabic L", "c-both L", "a-silent", "d-lift", "e-side-door", "f-signs", "i-sex", "g-training L",
				"h-province L"}},
		{"all languages before some, some before none", office.Query{Languages: []string{"FR", "AR"}},
			[]string{"c-both L", "b-arabic l", "a-silent", "d-lift", "e-side-door", "f-signs", "i-sex", "g-training L",
				"h-province L"}},
		{"accessibility", office.Query{Accessibility: []string{"LIFT", "STEP_FREE"}},
			[]string{"d-lift A", "c-both a", "a-silent", "b-arabic", "e-side-door", "f-signs", "i-sex", "g-training",
				"h-province a"}},
		{"language before accessibility", office.Query{Languages: []string{"AR"}, Accessibility: []string{"LIFT"}},
			[]string{"c-both L A", "b-arabic L", "d-lift A", "a-silent", "e-side-door", "f-signs", "i-sex",
				"g-training L", "h-province L A"}},
		{"an address of an accessible entrance", office.Query{Accessibility: []string{"SEPARATE_ACCESSIBLE_ENTRANCE"}},
			[]string{"e-side-door A", "a-silent", "b-arabic", "c-both", "d-lift", "f-signs", "i-sex", "g-training",
				"h-province"}},
		{"signs that can be booked are a language", office.Query{Languages: []string{"LIS"}},
			[]string{"f-signs L", "a-silent", "b-arabic", "c-both", "d-lift", "e-side-door", "i-sex", "g-training L",
				"h-province"}},
		{"signs that are spoken are accessibility", office.Query{Accessibility: []string{"LIS_BOOKABLE"}},
			[]string{"f-signs A", "a-silent", "b-arabic", "c-both", "d-lift", "e-side-door", "i-sex", "g-training A",
				"h-province"}},
		{"the ground before preferences", office.Query{Ground: "SEX", Languages: []string{"AR", "FR"}},
			[]string{"i-sex", "c-both L", "b-arabic l", "a-silent", "d-lift", "e-side-door", "f-signs",
				"h-province L"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.query.Territory, c.query.Now = "019036", parseTime(t, "2026-11-24T10:00:00+01:00")
			var got []string
			for _, m := range index.Find(c.query) {
				line := m.Office.ID
				for _, reason := range m.Reasons {
					line += map[string]string{"LANGUAGE": " L", "LANGUAGE_PARTLY": " l", "ACCESSIBILITY": " A",
						"ACCESSIBILITY_PARTLY": " a"}[reason]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

// Ensure a preference changes only the order of the offices and its own reasons, never which offices match.
func TestIndex_Find_PreferencesNeverExclude(t *testing.T) {
	t.Parallel()
	languages, accessibility := []string{"IT", "AR", "FR", "LIS"},
		[]string{"LIFT", "LIS_BOOKABLE", "SEPARATE_ACCESSIBLE_ENTRANCE"}
	some := func(codes []string) *rapid.Generator[[]string] {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 0, len(codes), rapid.ID[string])
	}
	territory := rapid.SampledFrom([]string{"019036", "019", "015146", "004", "ONLINE"})
	now := parseTime(t, "2026-11-24T10:00:00+01:00")
	rapid.Check(t, func(t *rapid.T) {
		var all []office.Office
		for i := range rapid.IntRange(0, office.MaxMatches).Draw(t, "offices") {
			all = append(all, newOffice(fmt.Sprintf("o%d", i), func(o *office.Office) {
				o.Territories, o.Languages = []string{territory.Draw(t, "serves")}, some(languages).Draw(t, "speaks")
				o.Accessibility, o.Grounds = some(accessibility).Draw(t, "offers"),
					some([]string{"SEX", "AGE_OLD"}).Draw(t, "grounds")
				if rapid.Bool().Draw(t, "trains") {
					o.Services = []office.Service{{Type: "TRAINING"}}
				}
			}))
		}
		index := newIndex(all, places)
		q := office.Query{Now: now, Territory: territory.Draw(t, "where"),
			Ground: rapid.SampledFrom([]string{"", "SEX"}).Draw(t, "ground")}
		found := func(q office.Query) (lines []string) {
			for _, m := range index.Find(q) {
				reasons := slices.DeleteFunc(slices.Clone(m.Reasons), func(r string) bool {
					return strings.HasPrefix(r, "LANGUAGE") || strings.HasPrefix(r, "ACCESSIBILITY")
				})
				lines = append(lines, fmt.Sprint(m.Office.ID, reasons, m.State))
			}
			slices.Sort(lines)
			return lines
		}
		without := found(q)
		q.Languages, q.Accessibility = some(languages).Draw(t, "languages"),
			some(accessibility).Draw(t, "accessibility")
		if diff := cmp.Diff(without, found(q)); diff != "" {
			t.Fatal("a preference changed the matches:\n" + diff)
		}
	})
}
