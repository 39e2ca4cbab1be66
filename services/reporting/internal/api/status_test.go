package api_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/reason"
	"github.com/retepari/pari/services/reporting/internal/store"
)

func TestGetFeedStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cuneo := bus.Partition{Tenant: tenant.ID{Region: "piemonte", Node: "cuneo"}, Source: "intake"}
	lastSeen := now.Add(-90 * time.Second)
	for p, h := range map[bus.Partition]store.Heartbeat{
		intake: {Partition: intake, LastSeq: 30, Pending: 4, At: lastSeen},
		cuneo:  {Partition: cuneo, LastSeq: 1, At: now.Add(time.Minute)}, // its clock is ahead
	} {
		if err := b.store.StoreHeartbeats(context.Background(), p.Tenant.Region, []store.Heartbeat{h}); err != nil {
			t.Fatal(err)
		}
	}
	status := func(c reportingv1.ReportingServiceClient, region string) []*reportingv1.NodeFeed {
		t.Helper()
		resp, err := c.GetFeedStatus(context.Background(), &reportingv1.GetFeedStatusRequest{Region: region})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetNodes()
	}
	lombardia := []*reportingv1.NodeFeed{
		{Region: "lombardia", Node: "cremona", Lines: []*reportingv1.LineFeed{
			{
				Source: "intake", LastNodeSeq: 30, Gaps: 30, Pending: 4,
				HeardAt: timestamppb.New(lastSeen), AgeSeconds: 90,
			},
		}},
		{Region: "lombardia", Node: "milano"}, // known, but never seen
	}
	piemonte := []*reportingv1.NodeFeed{{Region: "piemonte", Node: "cuneo", Lines: []*reportingv1.LineFeed{
		{Source: "intake", LastNodeSeq: 1, Gaps: 1, HeardAt: timestamppb.New(now.Add(time.Minute))},
	}}}
	everything := append(append([]*reportingv1.NodeFeed{}, lombardia...), piemonte...)
	for name, c := range map[string]struct {
		client reportingv1.ReportingServiceClient
		region string
		want   []*reportingv1.NodeFeed
	}{
		"a region":                       {b.analyst("all"), "lombardia", lombardia},
		"the regions of an analyst":      {b.analyst("piemonte"), "", piemonte},
		"a region that has no node yet":  {b.analyst("umbria"), "", nil},
		"all regions, for operations":    {b.as(operators), "", everything},
		"all regions, for their analyst": {b.analyst("all"), "", everything},
	} {
		if diff := cmp.Diff(c.want, status(c.client, c.region), protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	req := &reportingv1.GetFeedStatusRequest{Region: "lombardia"}
	_, err := b.analyst("piemonte").GetFeedStatus(context.Background(), req)
	wantFault(t, err, reason.WrongRegion, "region")
	_, err = b.as(cruncher).GetFeedStatus(context.Background(), &reportingv1.GetFeedStatusRequest{})
	if fault.ReasonOf(fault.FromStatus(err)) == "" {
		t.Error("a system without a person was allowed")
	}
}

func TestGetFeedStatus_Counts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(intake, times(7, report(3))...)
	b.feed(cases, times(3, caseOf("G_A", "F_A")...)...)
	req := &reportingv1.GetFeedStatusRequest{Region: "lombardia"}
	resp, err := b.analyst("lombardia").GetFeedStatus(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	cremona := resp.GetNodes()[0]
	if cremona.GetReports() != 7 || cremona.GetCases() != 3 || len(cremona.GetLines()) != 2 {
		t.Errorf("got %v", cremona)
	}
	l := cremona.GetLines()[0]
	if l.GetSource() != "casemanagement" || l.GetAppliedNodeSeq() != 6 || l.GetGaps() != 0 || l.GetParked() != 0 {
		t.Errorf("got %v", l)
	}
}

// Ensure that events that are dead-lettered, blocked and buffered are all counted as parked.
func TestGetFeedStatus_Parked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var (
		events []store.Event
		hash   bus.Hash
	)
	for i := range 4 {
		e := store.NewEvent(bus.Event{
			ID: uuid.NewString(), Type: "it.pari.test.v1", Partition: cases, Subject: "c1", AggregateSeq: int64(i + 1),
			NodeSeq: int64(i + 1), PrevHash: hash, Data: []byte("data"),
		})
		events, hash = append(events, e), e.Hash
	}
	events = slices.Delete(events, 2, 3) // a gap
	unreadable := func(bus.Partition, string, string, []byte) (store.Change, error) {
		return store.Change{}, store.ErrUnreadable
	}
	batch := store.Batch{Region: cases.Tenant.Region, Events: events}
	if _, err := b.store.Apply(context.Background(), batch, unreadable, nil); err != nil {
		t.Fatal(err)
	}
	req := &reportingv1.GetFeedStatusRequest{Region: cases.Tenant.Region}
	resp, err := b.analyst(cases.Tenant.Region).GetFeedStatus(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	l := resp.GetNodes()[0].GetLines()[0]
	if l.GetAppliedNodeSeq() != 2 || l.GetGaps() != 1 || l.GetParked() != 3 {
		t.Errorf("got %v", l)
	}
}
