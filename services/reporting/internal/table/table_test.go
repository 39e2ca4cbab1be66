package table

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

func frame() Frame {
	return Frame{
		Year:  2026,
		Nodes: []string{"cremona", "reggio-emilia"},
		Groups: func(list string) []Category {
			return map[string][]Category{
				"ground_group":  {{"G_ETHNIC", "etnico-razziale", "ethnic"}, {"G_AGE", "età", "age"}, {"G_OTHER", "altro", "other"}},
				"field_group":   {{"F_WORK", "lavoro", "work"}, {"F_HOUSING", "casa", "housing"}, {"F_OTHER", "altro", "other"}},
				"outcome_group": {{"O_SOLVED", "risolta", "solved"}},
			}[list]
		},
	}
}

func TestCatalogue_IsOrderedAndProtected(t *testing.T) {
	t.Parallel()
	all := All()
	if !slices.IsSortedFunc(all, func(a, b Table) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("the catalogue is not in the order of its codes")
	}
	for _, c := range all {
		if c.TitleIt == "" || c.TitleEn == "" || c.Rule.Threshold < 5 || c.Rule.Base != 5 {
			t.Errorf("table %s lacks a title or a rule", c.Code)
		}
		for _, d := range c.Dimensions {
			if d.kind == groups && (c.Rule.Threshold < 10 || !c.Rule.Lone) {
				t.Errorf("table %s crosses groups under a rule that is too weak", c.Code)
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

func TestCategories_EndWithTheTotal(t *testing.T) {
	t.Parallel()
	flow, _ := Find(fact.TableFlow)
	got := flow.Categories(frame())
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
		{"2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "TOTAL"},
		{"cremona", "reggio-emilia", "TOTAL"},
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Error(diff)
	}
	if label := got[2][1].LabelIt; label != "Reggio Emilia" {
		t.Errorf("node is shown as %q", label)
	}
	if label := got[1][2].LabelEn; label != "March 2026" {
		t.Errorf("month is shown as %q", label)
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
	add(12, "G_LOST", "F_WORK") // a group that the vocabulary does not have any more
	grounds, _ := Find(fact.TableGrounds)
	cells := grounds.Protect(2026, grounds.Categories(frame()), counts)

	t.Run("one cell per combination, the last dimension fastest", func(t *testing.T) {
		t.Parallel()
		if len(cells) != 16 {
			t.Fatalf("%d cells", len(cells))
		}
		for i, want := range map[int][]string{0: {"G_ETHNIC", "F_WORK"}, 1: {"G_ETHNIC", "F_HOUSING"}, 4: {"G_AGE", "F_WORK"}, 15: {"TOTAL", "TOTAL"}} {
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
		for _, c := range grounds.Protect(2025, grounds.Categories(frame()), counts) {
			if !c.Hidden || c.Value != 0 {
				t.Fatalf("shows %+v", c)
			}
		}
	})
}
