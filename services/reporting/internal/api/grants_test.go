package api_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/reason"
)

var bothRegions = []string{"lombardia", "piemonte"}

// access is what a caller sees.
type access struct {
	Catalogue     bool
	Tables, Feeds []string // regions
}

func analystOf(regions ...string) access { return access{len(regions) > 0, regions, regions} }

// accessOf calls every method. It fails the test when GetFeedStatus without a region returns other regions than
// GetFeedStatus of each.
func (b *testEnv) accessOf(c reportingv1.ReportingServiceClient) (seen access) {
	b.t.Helper()
	ctx := context.Background()
	for _, region := range bothRegions {
		_, err := c.GetTable(ctx, get("T1", region, 2026))
		if b.isOpen(err) {
			seen.Tables = append(seen.Tables, region)
		}
		status, err := c.GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{Region: region})
		if b.isOpen(err) {
			seen.Feeds = append(seen.Feeds, region)
		}
		if got := regionsOf(status); err == nil && !slices.Equal(got, []string{region}) {
			b.t.Errorf("the feed of %s is of %v", region, got)
		}
	}
	_, err := c.ListTables(ctx, &reportingv1.ListTablesRequest{})
	seen.Catalogue = b.isOpen(err)
	status, err := c.GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
	b.isOpen(err)
	if diff := cmp.Diff(seen.Feeds, regionsOf(status)); diff != "" {
		b.t.Errorf("the feed without a region: %s", diff)
	}
	return seen
}

// regionsOf returns the regions of a feed's nodes, which are ordered by region.
func regionsOf(status *reportingv1.GetFeedStatusResponse) (regions []string) {
	for _, n := range status.GetNodes() {
		regions = append(regions, n.GetRegion())
	}
	return slices.Compact(regions)
}

// isOpen reports whether a call was allowed. It fails the test on an error that is not about access.
func (b *testEnv) isOpen(err error) bool {
	b.t.Helper()
	if err == nil {
		return true
	}
	refusals := []fault.Reason{reason.WrongRegion, fault.NotAllowed, fault.WrongNode, fault.NoToken}
	if !slices.Contains(refusals, fault.ReasonOf(fault.FromStatus(err))) {
		b.t.Errorf("refused with %v", err)
	}
	return false
}

// Ensure each region asks for one grant that has both a role of the method and the region: roles and regions of several
// grants do not add up.
func TestGrants_DoNotAddUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const analystInPiemonte = "piemonte/centre/analyst"
	for name, c := range map[string]struct {
		grants []string
		want   access
	}{
		"analyst":               {[]string{analystInPiemonte}, analystOf("piemonte")},
		"analyst everywhere":    {[]string{"all/centre/analyst"}, analystOf(bothRegions...)},
		"auditor":               {[]string{"lombardia/centre/auditor"}, analystOf("lombardia")},
		"analyst and auditor":   {[]string{analystInPiemonte, "lombardia/centre/auditor"}, analystOf(bothRegions...)},
		"editor everywhere":     {[]string{"all/centre/editor"}, access{}},
		"and editor everywhere": {[]string{analystInPiemonte, "all/centre/editor"}, analystOf("piemonte")},
		"editor first":          {[]string{"all/centre/editor", analystInPiemonte}, analystOf("piemonte")},
		"and editor there":      {[]string{analystInPiemonte, "lombardia/centre/editor"}, analystOf("piemonte")},
		"and coordinator there": {[]string{analystInPiemonte, "lombardia/centre/coordinator"}, analystOf("piemonte")},
		"and analyst of a node": {[]string{analystInPiemonte, "lombardia/cremona/analyst"}, analystOf("piemonte")},
		"analyst of a node":     {[]string{"lombardia/cremona/analyst", "all/centre/editor"}, access{}},
		"a region without nodes": {
			[]string{"umbria/centre/analyst", "all/centre/editor"}, access{Catalogue: true},
		},
	} {
		if diff := cmp.Diff(c.want, b.accessOf(b.as(console, c.grants...))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Ensure a program of a region's centre gives people nothing beyond its region.
func TestGrants_ThroughARegionalCentre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	regional := rpctest.ID("lombardia", "centre", "system", "console")
	for name, c := range map[string]struct {
		grants []string
		want   access
	}{
		"own region":   {[]string{"lombardia/centre/analyst"}, analystOf("lombardia")},
		"both regions": {[]string{"lombardia/centre/analyst", "piemonte/centre/analyst"}, analystOf("lombardia")},
		"an editor, and analyst elsewhere": {
			[]string{"lombardia/centre/editor", "piemonte/centre/analyst"}, access{},
		},
		"everywhere": {[]string{"all/centre/analyst"}, access{}},
	} {
		if diff := cmp.Diff(c.want, b.accessOf(b.as(regional, c.grants...))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Ensure a system sees the tables of the regions of its own centre, that a grant for one office of the centre opens
// nothing, and that no system sees the feed.
func TestGrants_Systems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		system identity.ID
		want   access
	}{
		"of all regions":     {cruncher, access{Catalogue: true, Tables: bothRegions}},
		"of Piemonte":        {regionalCruncher, access{Catalogue: true, Tables: []string{"piemonte"}}},
		"for one office":     {officeCruncher, access{}},
		"an editor's system": {editorSystem, access{}},
	} {
		if diff := cmp.Diff(c.want, b.accessOf(b.as(c.system))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Ensure programs of operations see the feed of the regions of their own centre only, and no table.
func TestGrants_Operations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for at, feeds := range map[tenant.ID][]string{
		tenant.Centre:                          bothRegions,
		{Region: "lombardia", Node: "centre"}:  {"lombardia"},
		{Region: "piemonte", Node: "centre"}:   {"piemonte"},
		{Region: "umbria", Node: "centre"}:     nil,
		{Region: "lombardia", Node: "cremona"}: nil,
	} {
		monitor := rpctest.ID(at.Region, at.Node, identity.KindOps, "monitor")
		if diff := cmp.Diff(access{Feeds: feeds}, b.accessOf(b.as(monitor))); diff != "" {
			t.Errorf("%s: %s", at, diff)
		}
	}
	withToken := b.as(operators, "all/centre/analyst")
	_, err := withToken.GetFeedStatus(context.Background(), &reportingv1.GetFeedStatusRequest{})
	wantFault(t, err, fault.BadToken) // a program of operations speaks for no person
}

// Ensure nodes of one name in two regions have counts and a feed of their own.
func TestHomonyms_AreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	livo, other := tenant.ID{Region: "lombardia", Node: "livo"}, tenant.ID{Region: "piemonte", Node: "livo"}
	if err := b.store.AddNodes(context.Background(), []tenant.ID{livo, other}); err != nil {
		t.Fatal(err)
	}
	b.feed(bus.Partition{Tenant: livo, Source: "intake"}, times(20, report(3))...)
	b.feed(bus.Partition{Tenant: other, Source: "intake"}, times(40, report(3))...)
	client := b.analyst("all")
	for at, want := range map[tenant.ID]int64{livo: 20, other: 40} {
		resp, err := client.GetTable(context.Background(), get("T1", at.Region, 2026))
		if err != nil {
			t.Fatal(err)
		}
		if v, hidden := value(t, resp.GetTable(), fact.UnitReport, fact.Total, "livo"); v != want || hidden {
			t.Errorf("%s: %d reports, hidden %t, want %d", at, v, hidden, want)
		}
		status, err := client.GetFeedStatus(context.Background(), &reportingv1.GetFeedStatusRequest{Region: at.Region})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range status.GetNodes() {
			if n.GetNode() == "livo" && (n.GetRegion() != at.Region || n.GetReports() != want) {
				t.Errorf("%s: the feed is %v", at, n)
			}
		}
	}
}
