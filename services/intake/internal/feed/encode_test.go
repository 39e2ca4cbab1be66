package feed_test

import (
	_ "embed"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/tenant"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/report"
)

// golden is the data of an event as first published. Streams and archives hold such events, so it must never change.
//
//go:embed testdata/report_counted.v1.bin
var golden []byte

var cremona = tenant.ID{Region: "lombardia", Node: "cremona"}

func newReport() *report.Report {
	return &report.Report{
		ID: "0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11", Number: "CR-2026-000042", Tenant: cremona,
		ReceivedAt: time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC),
		CodedContent: report.CodedContent{
			Channel: "PHONE", ReporterRole: "VICTIM", Anonymous: true, Grounds: []string{"DISABILITY"},
			IncidentPlace: "019036", Urgent: true,
		},
	}
}

// Ensure today's contract decodes the golden event completely.
func TestReportCounted_DecodesGolden(t *testing.T) {
	t.Parallel()
	var got eventsv1.ReportCounted
	if err := proto.Unmarshal(golden, &got); err != nil {
		t.Fatal(err)
	}
	want := &eventsv1.ReportCounted{
		Month: &recordv1.Month{Year: 2026, Month: 11}, Channel: "PHONE", ReporterRole: "VICTIM", Anonymous: true,
	}
	if diff := cmp.Diff(want, &got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// Ensure the encoding equals the golden event: it has no place, no day and no number.
func TestEncodeReportCounted_EqualsGolden(t *testing.T) {
	t.Parallel()
	event, err := feed.EncodeReportCounted(newReport())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden, event.Data); diff != "" {
		t.Error(diff)
	}
	if event.Tenant != cremona || event.Type != "it.pari.report.counted.v1" || event.AggregateSeq != 1 {
		t.Errorf("got %+v", event)
	}
}

// Ensure the pseudonym of an event leads neither to its report nor to another event of the same report.
func TestEncodeReportCounted_DrawsAPseudonym(t *testing.T) {
	t.Parallel()
	r := newReport()
	first, err := feed.EncodeReportCounted(r)
	if err != nil {
		t.Fatal(err)
	}
	second, err := feed.EncodeReportCounted(r)
	if err != nil {
		t.Fatal(err)
	}
	if first.Aggregate == second.Aggregate || first.Aggregate == r.ID || first.Aggregate == "" {
		t.Errorf("pseudonyms %q and %q", first.Aggregate, second.Aggregate)
	}
}

// Ensure the month is the one in Italy, just before and after its midnight, in winter and in summer.
func TestMonthInRome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   time.Time
		want *recordv1.Month
	}{
		{time.Date(2026, 12, 31, 22, 59, 59, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 12}},
		{time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), &recordv1.Month{Year: 2027, Month: 1}},
		{time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC), &recordv1.Month{Year: 2027, Month: 1}},
		{time.Date(2026, 7, 31, 21, 59, 0, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 7}},
		{time.Date(2026, 7, 31, 22, 0, 0, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 8}},
		{time.Date(2027, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3*3600)), &recordv1.Month{Year: 2026, Month: 12}},
	} {
		if diff := cmp.Diff(c.want, feed.MonthInRome(c.at), protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", c.at, diff)
		}
	}
}
