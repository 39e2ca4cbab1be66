package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/reporting/internal/disclosure"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// testSource returns a source with two nodes and small code lists.
func testSource() CategorySource {
	return CategorySource{
		Year:  2026,
		Nodes: []string{"cremona", "reggio-emilia"},
		Groups: func(list string) []Category {
			return map[string][]Category{
				"ground_group": {
					{"G_ETHNIC", "etnico-razziale", "ethnic"}, {"G_AGE", "età", "age"}, {"G_OTHER", "altro", "other"},
				},
				"field_group": {
					{"F_WORK", "lavoro", "work"}, {"F_HOUSING", "casa", "housing"}, {"F_OTHER", "altro", "other"},
				},
				"outcome_group":       {{"O_SOLVED", "risolta", "solved"}},
				"activity_measure":    {{"HOURS", "ore", "hours"}, {"PERSONS", "persone", "persons"}},
				"programme_indicator": {{"IND_A", "a", "a"}, {"IND_B", "b", "b"}},
			}[list]
		},
	}
}

func TestCatalogue_IsOrderedAndProtected(t *testing.T) {
	t.Parallel()
	all := All()
	number := func(t Table) int { n, _ := strconv.Atoi(strings.TrimPrefix(t.Code, "T")); return n }
	if !slices.IsSortedFunc(all, func(a, b Table) int { return number(a) - number(b) }) {
		t.Error("the catalogue is not in the order of its numbers")
	}
	for _, c := range all {
		public := c.Code == fact.TableActivity || c.Code == fact.TableIndicators
		switch strict := c.Rule.Threshold >= 5 && c.Rule.Base == 5; {
		case c.TitleIt == "" || c.TitleEn == "":
			t.Errorf("table %s lacks a title", c.Code)
		case public != (c.Rule == disclosure.Public) || !public && !strict:
			t.Errorf("table %s has the rule %+v: only figures of the directory are public", c.Code, c.Rule)
		}
		for _, d := range c.Dimensions {
			if (d.kind == observed || d.kind == indicators) && !public {
				t.Errorf("table %s discloses by its categories which counts are zero", c.Code)
			}
			if d.kind == groups && (c.Rule.Threshold < 10 || !c.Rule.GroupDisclosure) {
				t.Errorf("table %s crosses groups under too weak a rule", c.Code)
			}
		}
		if found, ok := Find(c.Code); !ok || found.Code != c.Code {
			t.Errorf("table %s is not found", c.Code)
		}
	}
	if _, ok := Find("T99"); ok {
		t.Error("found a table that does not exist")
	}
}

// Ensure that reports and cases never count in a public table, and that the directory counts in no other.
func TestCatalogue_OnlyTheDirectoryIsPublic(t *testing.T) {
	t.Parallel()
	codes := func(_, code string) (string, bool) { return code, true }
	month := fact.Month{Year: 2026, Month: 3}
	report, err := fact.Report{}.Apply(1, fact.ReportCounted{Month: month}, codes)
	if err != nil {
		t.Fatal(err)
	}
	personal := report.Cells("cremona")
	open, restricted := fact.Case{}, fact.Case{}
	for i, e := range []fact.CaseEvent{
		fact.CaseOpened{Month: month},
		fact.CaseClassified{Verdict: fact.PertinentGroup, Grounds: []string{"G"}, MainGround: "G", Field: "F"},
		fact.ActionRecorded{Month: month, Code: "A"},
		fact.CaseClosed{Month: month, Outcome: "O"},
	} {
		if open, err = open.Apply(int64(i+1), e, codes); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			e = fact.CaseClassified{Restricted: true}
		}
		if restricted, err = restricted.Apply(int64(i+1), e, codes); err != nil {
			t.Fatal(err)
		}
		personal = slices.Concat(personal, open.Cells("cremona"), restricted.Cells("cremona"))
	}
	for _, cell := range personal {
		if found, ok := Find(cell.Table); !ok || found.Rule == disclosure.Public {
			t.Errorf("a report or a case counts in %s, whose rule is %+v", cell.Table, found.Rule)
		}
	}
	activity := fact.Activity{Rows: []fact.ActivityRow{{Measure: "HOURS", Year: 2026, Node: "cremona", Value: 1}}}
	programme := fact.Indicators{Programme: "p", Rows: []fact.IndicatorRow{
		{Code: "IND_A", Target: 1}, {Code: "IND_A", Year: 2026, Value: 1},
	}}
	for _, cells := range []fact.Delta{activity.Cells(), programme.Cells()} {
		for cell := range cells {
			if found, ok := Find(cell.Table); !ok || found.Rule != disclosure.Public {
				t.Errorf("the directory counts in %s", cell.Table)
			}
		}
	}
}

func TestProtect_ReturnsPublicFiguresUnchanged(t *testing.T) {
	t.Parallel()
	counts := fact.Delta{}
	counts.Replace(nil, fact.Activity{Rows: []fact.ActivityRow{
		{Measure: "HOURS", Year: 2026, Node: "cremona", Value: 7}, {Measure: "HOURS", Year: 2026, Value: 2},
		{Measure: "PERSONS", Year: 2026, Node: "reggio-emilia", Value: 1},
	}}.Cells())
	counts.Replace(nil, fact.Indicators{Programme: "uno", Rows: []fact.IndicatorRow{
		{Code: "IND_B", Target: 40}, {Code: "IND_B", Year: 2025, Value: 3}, {Code: "IND_B", Year: 2026, Value: 4},
	}}.Cells())
	counts[fact.Cell{Table: fact.TableIndicators, Year: 2026, A: "gone", B: "IND_A", C: fact.FigureYear}] = 0
	for code, want := range map[string][]string{
		fact.TableActivity: {
			"HOURS cremona 7", "HOURS reggio-emilia 0", "HOURS TOTAL 9",
			"PERSONS cremona 0", "PERSONS reggio-emilia 1", "PERSONS TOTAL 1",
		},
		fact.TableIndicators: {
			"uno IND_B TARGET 40", "uno IND_B YEAR 4", "uno IND_B SO_FAR 7",
			"TOTAL IND_B TARGET 40", "TOTAL IND_B YEAR 4", "TOTAL IND_B SO_FAR 7",
		},
	} {
		found, _ := Find(code)
		s := testSource()
		s.Nodes, s.Counts = nil, map[fact.Cell]int64{}
		for cell, n := range counts {
			if cell.Table == code {
				s.Counts[cell] = n
			}
		}
		var got []string
		for _, c := range found.Protect(2026, found.Categories(s), s.Counts) {
			if c.Hidden {
				t.Errorf("%s hides %v", code, c.Keys)
			}
			got = append(got, fmt.Sprintf("%s %d", strings.Join(c.Keys, " "), c.Value))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTable_CategoriesEndWithTheTotal(t *testing.T) {
	t.Parallel()
	flow, _ := Find(fact.TableFlow)
	got := flow.Categories(testSource())
	var codes [][]string
	for _, dimension := range got {
		var c []string
		for _, category := range dimension {
			c = append(c, category.Code)
		}
		codes = append(codes, c)
	}
	want := [][]string{
		{"U_REPORT", "U_PERTINENT", "U_CASE"},
		{
			"2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06",
			"2026-07", "2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "TOTAL",
		},
		{"cremona", "reggio-emilia", "TOTAL"},
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Error(diff)
	}
	if label := got[2][1].LabelIt; label != "Reggio Emilia" {
		t.Errorf("label of the node is %q", label)
	}
	if label := got[1][2].LabelEn; label != "March 2026" {
		t.Errorf("label of the month is %q", label)
	}
}

func TestPlaceName(t *testing.T) {
	t.Parallel()
	for slug, want := range map[string]string{
		"cremona": "Cremona", "reggio-emilia": "Reggio Emilia", "area-51": "Area 51", "area-è": "Area è",
	} {
		if got := placeName(slug); got != want {
			t.Errorf("%s is named %q, want %q", slug, got, want)
		}
	}
}

func TestProtect(t *testing.T) {
	t.Parallel()
	counts := map[fact.Cell]int64{}
	add := func(n int64, ground, field string) {
		for _, g := range []string{ground, fact.Total} {
			for _, f := range []string{field, fact.Total} {
				counts[fact.Cell{Table: fact.TableGrounds, Year: 2026, A: g, B: f}] += n
			}
		}
	}
	add(42, "G_ETHNIC", "F_WORK")
	add(51, "G_ETHNIC", "F_HOUSING")
	add(33, "G_ETHNIC", "F_OTHER")
	add(61, "G_AGE", "F_WORK")
	add(24, "G_AGE", "F_HOUSING")
	add(17, "G_AGE", "F_OTHER")
	add(20, "G_OTHER", "F_WORK")
	add(20, "G_OTHER", "F_HOUSING")
	add(20, "G_OTHER", "F_OTHER")
	add(12, "G_LOST", "F_WORK") // a group that the code lists no longer have
	grounds, _ := Find(fact.TableGrounds)
	cells := grounds.Protect(2026, grounds.Categories(testSource()), counts)

	t.Run("one cell per combination, the last dimension fastest", func(t *testing.T) {
		t.Parallel()
		if len(cells) != 16 {
			t.Fatalf("%d cells", len(cells))
		}
		for i, want := range map[int][]string{
			0: {"G_ETHNIC", "F_WORK"}, 1: {"G_ETHNIC", "F_HOUSING"}, 4: {"G_AGE", "F_WORK"}, 15: {"TOTAL", "TOTAL"},
		} {
			if diff := cmp.Diff(want, cells[i].Keys); diff != "" {
				t.Error(diff)
			}
		}
	})
	t.Run("counts are rounded, the total from its true value", func(t *testing.T) {
		t.Parallel()
		if cells[0].Value != 40 || cells[0].Hidden || cells[15].Value != 300 {
			t.Errorf("got %+v and a total of %+v", cells[0], cells[15])
		}
	})
	t.Run("another year has no counts", func(t *testing.T) {
		t.Parallel()
		for _, c := range grounds.Protect(2025, grounds.Categories(testSource()), counts) {
			if !c.Hidden || c.Value != 0 {
				t.Fatalf("shows %+v", c)
			}
		}
	})
}
