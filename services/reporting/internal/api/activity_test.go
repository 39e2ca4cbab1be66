package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// format returns the cells of a table as text, hidden ones with a star.
func format(t *reportingv1.Table) (cells []string) {
	for _, c := range t.GetCells() {
		value := fmt.Sprint(c.GetValue())
		if c.GetHidden() {
			value = "*"
		}
		cells = append(cells, strings.Join(c.GetKeys(), " ")+" "+value)
	}
	return cells
}

// Ensure that the directory's figures are exact and have units, and that the centre is not a node of any other table.
func TestGetTable_Activity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.store.AddNodes(context.Background(), []tenant.ID{{Region: "lombardia", Node: "centre"}}); err != nil {
		t.Fatal(err)
	}
	b.feed(bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "centre"}, Source: "directory"},
		[]store.Change{{Activity: &fact.ActivityCounted{Rows: []fact.ActivityRow{
			{Measure: "HOURS", Year: 2026, Node: "cremona", Value: 1}, {Measure: "HOURS", Year: 2026, Value: 2},
			{Measure: "HOURS", Year: 2025, Node: "milano", Value: 9},
		}}}},
		[]store.Change{{Indicators: &fact.IndicatorsCounted{Programme: "p", Rows: []fact.IndicatorRow{
			{Code: "IND_B", Target: 30}, {Code: "IND_B", Year: 2025, Value: 4}, {Code: "IND_B", Year: 2026, Value: 3},
		}}}},
	)
	client := b.analyst("lombardia")
	table := func(code string, year int32) *reportingv1.Table {
		t.Helper()
		resp, err := client.GetTable(context.Background(), get(code, "lombardia", year))
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetTable()
	}
	for name, c := range map[string]struct {
		code string
		year int32
		want []string
	}{
		"activity": {"T14", 2026, []string{
			"HOURS cremona 1", "HOURS TOTAL 3", "PERSONS cremona 0", "PERSONS TOTAL 0",
		}},
		"activity of the year before": {"T14", 2025, []string{
			"HOURS milano 9", "HOURS TOTAL 9", "PERSONS milano 0", "PERSONS TOTAL 0",
		}},
		"activity of an empty year": {"T14", 2020, []string{"HOURS TOTAL 0", "PERSONS TOTAL 0"}},
		"indicators": {"T15", 2026, []string{
			"p IND_B TARGET 30", "p IND_B YEAR 3", "p IND_B SO_FAR 7",
			"TOTAL IND_B TARGET 30", "TOTAL IND_B YEAR 3", "TOTAL IND_B SO_FAR 7",
		}},
		"indicators of an empty year": {"T15", 2020, []string{
			"p IND_B TARGET 30", "p IND_B YEAR 0", "p IND_B SO_FAR 7",
			"TOTAL IND_B TARGET 30", "TOTAL IND_B YEAR 0", "TOTAL IND_B SO_FAR 7",
		}},
	} {
		if diff := cmp.Diff(c.want, format(table(c.code, c.year))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	activity := table("T14", 2026)
	if p := activity.GetProtection(); p.GetThreshold() != 0 || p.GetBase() != 1 {
		t.Errorf("protected by %v", p)
	}
	if unit := activity.GetInfo().GetUnit(); unit != reportingv1.Unit_UNIT_MIXED {
		t.Errorf("unit is %v", unit)
	}
	if c := activity.GetDimensions()[0].GetCategories(); len(c) != 2 || c[0].GetLabelEn() != "en HOURS" {
		t.Errorf("the measures are %v", c)
	}
	for _, c := range table("T1", 2026).GetDimensions()[2].GetCategories() {
		if c.GetCode() == "centre" {
			t.Error("the centre is a node of the table of reports")
		}
	}
	status, err := client.GetFeedStatus(context.Background(), &reportingv1.GetFeedStatusRequest{Region: "lombardia"})
	if err != nil {
		t.Fatal(err)
	}
	centre := status.GetNodes()[0]
	if centre.GetNode() != "centre" || len(centre.GetLines()) != 1 {
		t.Fatalf("the feed is %v", centre)
	}
	if l := centre.GetLines()[0]; l.GetSource() != "directory" || l.GetAppliedNodeSeq() != 2 {
		t.Errorf("the partition is %v", l)
	}
}
