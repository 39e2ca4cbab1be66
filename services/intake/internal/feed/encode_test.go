package feed_test

import (
	_ "embed"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/report"
)

// The data of events as first published. Streams and archives hold such events, so they must never change.
var (
	//go:embed testdata/report_counted.v1.bin
	counted []byte
	//go:embed testdata/report_corrected.v1.bin
	corrected []byte
)

const pseudonym = "6e0f4b6c-3f0e-4c53-9a0a-6a4b3b2f9d11"

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

// Ensure today's contract decodes the golden events completely, and the encoding equals them: an event has no place, no
// day and no number.
func TestEncodeCount_Golden(t *testing.T) {
	t.Parallel()
	month := &recordv1.Month{Year: 2026, Month: 11}
	withdrawn := newReport()
	withdrawn.Withdrawn = true
	for _, c := range []struct {
		r         *report.Report
		seq       int64
		eventType string
		golden    []byte
		message   proto.Message
	}{
		{newReport(), 1, "it.pari.report.counted.v1", counted, &eventsv1.ReportCounted{
			Month: month, Channel: "PHONE", ReporterRole: "VICTIM", Anonymous: true,
		}},
		{newReport(), 2, "it.pari.report.corrected.v1", corrected, &eventsv1.ReportCorrected{
			Month: month, Channel: "PHONE", ReporterRole: "VICTIM", Anonymous: true,
		}},
		{withdrawn, 3, "it.pari.report.withdrawn.v1", nil, &eventsv1.ReportWithdrawn{}},
	} {
		got := c.message.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(c.golden, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.message, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", c.eventType, diff)
		}
		event, err := feed.EncodeCount(c.r, pseudonym, c.seq)
		if err != nil {
			t.Fatal(err)
		}
		want := outbox.Event{
			Tenant: cremona, Type: c.eventType, Aggregate: pseudonym, AggregateSeq: c.seq, Data: c.golden,
		}
		if diff := cmp.Diff(want, event, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
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
