package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/pkg/fault"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/reason"
)

func TestListTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resp, err := b.analyst("lombardia").ListTables(context.Background(), &reportingv1.ListTablesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]reportingv1.Unit{}
	for _, info := range resp.GetTables() {
		got[info.GetCode()] = info.GetUnit()
		if info.GetTitleIt() == "" || info.GetTitleEn() == "" || len(info.GetDimensions()) < 2 {
			t.Errorf("incomplete: %v", info)
		}
	}
	want := map[string]reportingv1.Unit{
		"T1": reportingv1.Unit_UNIT_MIXED, "T2": reportingv1.Unit_UNIT_CASE, "T9": reportingv1.Unit_UNIT_CASE,
		"T14": reportingv1.Unit_UNIT_MIXED, "T15": reportingv1.Unit_UNIT_MIXED,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Ensure that only analysts and auditors of a region get its tables, and that others get the reason.
func TestGetTable_Access(t *testing.T) {
	t.Parallel()
	b := setup(t)
	call := func(c reportingv1.ReportingServiceClient) error {
		_, err := c.GetTable(context.Background(), get("T1", "lombardia", 2026))
		return err
	}
	for name, c := range map[string]struct {
		client reportingv1.ReportingServiceClient
		want   fault.Reason
	}{
		"an analyst of the region":     {b.analyst("lombardia"), ""},
		"an analyst of all regions":    {b.analyst("all"), ""},
		"an auditor of the region":     {b.as(console, "lombardia/centre/auditor"), ""},
		"a system with the role":       {b.as(cruncher), ""},
		"a system without a role":      {b.as(console), fault.NotAllowed},
		"an analyst of another region": {b.analyst("piemonte"), reason.WrongRegion},
		"a coordinator at the centre":  {b.as(console, "lombardia/centre/coordinator"), fault.NotAllowed},
		"a node's system":              {b.as(portal), fault.NotAllowed},
		"an analyst of a node":         {b.as(portal, "lombardia/cremona/analyst"), fault.NotAllowed},
		"an analyst through a portal":  {b.as(portal, "lombardia/centre/analyst"), fault.WrongNode},
		"operations":                   {b.as(operators), fault.NotAllowed},
	} {
		err := call(c.client)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := fault.ReasonOf(fault.FromStatus(err)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestGetTable_Rejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	client := b.analyst("lombardia", "umbria")
	for name, c := range map[string]struct {
		req    *reportingv1.GetTableRequest
		reason fault.Reason
		path   string
	}{
		"a table that does not exist":      {get("T99", "lombardia", 2026), reason.UnknownTable, "table"},
		"a region without a grant":         {get("T1", "piemonte", 2026), reason.WrongRegion, "region"},
		"a region without nodes":           {get("T1", "umbria", 2026), reason.WrongRegion, "region"},
		"a year that has not begun":        {get("T1", "lombardia", 2028), reason.OutOfPeriod, "year"},
		"a year that the contract forbids": {get("T1", "lombardia", 1999), fault.InvalidRequest, "year"},
		"an invalid name of a region":      {get("T1", "Lombardia!", 2026), fault.InvalidRequest, "region"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.GetTable(context.Background(), c.req)
			wantFault(t, err, c.reason, c.path)
		})
	}
	t.Run("names the possible years", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetTable(context.Background(), get("T1", "lombardia", 2028))
		details := fmt.Sprint(status.Convert(err).Details())
		if !strings.Contains(details, "possible years (2000-2027)") {
			t.Errorf("got %s", details)
		}
	})
	t.Run("accepts the year that has begun in Italy", func(t *testing.T) {
		t.Parallel()
		if _, err := client.GetTable(context.Background(), get("T1", "lombardia", 2027)); err != nil {
			t.Error(err)
		}
	})
}

// value returns the cell with these keys.
func value(t *testing.T, table *reportingv1.Table, keys ...string) (value int64, hidden bool) {
	t.Helper()
	for _, c := range table.GetCells() {
		if cmp.Equal(c.GetKeys(), keys) {
			return c.GetValue(), c.GetHidden()
		}
	}
	t.Fatalf("no cell %v", keys)
	return 0, false
}

func TestGetTable_Flow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(intake, append(times(23, report(3)), times(41, report(4))...)...)
	resp, err := b.analyst("lombardia").GetTable(context.Background(), get("T1", "lombardia", 2026))
	if err != nil {
		t.Fatal(err)
	}
	table := resp.GetTable()
	if n := len(table.GetCells()); n != 3*13*3 {
		t.Errorf("%d cells", n)
	}
	var nodes []string
	for _, c := range table.GetDimensions()[2].GetCategories() {
		nodes = append(nodes, c.GetCode()+" "+c.GetLabelIt())
	}
	if diff := cmp.Diff([]string{"cremona Cremona", "milano Milano", "TOTAL totale"}, nodes); diff != "" {
		t.Error(diff)
	}
	if v, hidden := value(t, table, fact.UnitReport, "TOTAL", "TOTAL"); v != 65 || hidden {
		t.Errorf("64 reports are shown as %d, hidden %t", v, hidden)
	}
	if v, hidden := value(t, table, fact.UnitReport, "2026-01", "cremona"); v != 0 || !hidden {
		t.Errorf("no reports are shown as %d, hidden %t", v, hidden)
	}
	if !table.GetProvisional() || table.GetProtection().GetThreshold() != 5 || table.GetProtection().GetBase() != 5 {
		t.Errorf("provisional %t, %v", table.GetProvisional(), table.GetProtection())
	}
	if at := table.GetAsOf().AsTime(); table.GetAsOf() == nil || !at.Equal(at.Truncate(time.Hour)) {
		t.Errorf("as of %v: not truncated to the hour", at)
	}
	other, err := b.analyst("all").GetTable(context.Background(), get("T1", "piemonte", 2026))
	if err != nil {
		t.Fatal(err)
	}
	if other.GetTable().GetAsOf() != nil {
		t.Error("a table without counts has a date")
	}
	for _, c := range other.GetTable().GetCells() {
		if !c.GetHidden() {
			t.Fatalf("another region shows %v", c)
		}
	}
}

// Ensure that small counts are hidden, with the counts from which they could be derived.
func TestGetTable_HidesSmallCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := times(0)
	for _, c := range []struct {
		n             int
		ground, field string
	}{
		{42, "G_A", "F_A"}, {51, "G_A", "F_B"}, {33, "G_A", "F_C"},
		{61, "G_B", "F_A"}, {24, "G_B", "F_B"}, {17, "G_B", "F_C"},
		{20, "G_C", "F_A"}, {3, "G_C", "F_B"}, {1, "G_C", "F_C"},
	} {
		all = append(all, times(c.n, caseOf(c.ground, c.field)...)...)
	}
	b.feed(cases, all...)
	resp, err := b.analyst("lombardia").GetTable(context.Background(), get("T2", "lombardia", 2026))
	if err != nil {
		t.Fatal(err)
	}
	table := resp.GetTable()
	if v, hidden := value(t, table, "TOTAL", "TOTAL"); v != 250 || hidden { // 252
		t.Errorf("total is %d, hidden %t", v, hidden)
	}
	for _, small := range []string{"F_B", "F_C"} {
		if v, hidden := value(t, table, "G_C", small); v != 0 || !hidden {
			t.Errorf("a small count is shown as %d, hidden %t", v, hidden)
		}
	}
	if _, hidden := value(t, table, "G_C", "F_A"); !hidden {
		t.Error("the only category that is not small is shown")
	}
	for _, c := range table.GetCells() {
		if c.GetValue()%5 != 0 || (!c.GetHidden() && c.GetValue() < 10) || (c.GetHidden() && c.GetValue() != 0) {
			t.Errorf("unprotected: %v", c)
		}
	}
	if l := table.GetDimensions()[0].GetCategories()[0]; l.GetLabelIt() != "it G_A" || l.GetLabelEn() != "en G_A" {
		t.Errorf("label %v", l)
	}
}
