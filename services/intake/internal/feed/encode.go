// Package feed is what intake publishes to the centre: that a report was received, with some of its codes, and when
// that was wrong, what is right. A report.Report has no personal content, so none can reach an event.
//
// The counts of anonymous reports leave when the day of the reports has closed, in random order and without trace
// context, so that they tell no more than the day. DayCloser sends them. The package starts no goroutine.
package feed

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/report"
)

// The CloudEvents types of intake's events.
const (
	TypeReportCounted   = "it.pari.report.counted.v1"
	TypeReportCorrected = "it.pari.report.corrected.v1"
	TypeReportWithdrawn = "it.pari.report.withdrawn.v1"
)

// EncodeCount returns event number seq about the count of a report. The first event counts the report; a later one
// corrects the count, or withdraws it when the report is withdrawn. The pseudonym is the event's aggregate: the node
// can derive it from the report, and nobody else.
func EncodeCount(r *report.Report, pseudonym string, seq int64) (outbox.Event, error) {
	c := r.CodedContent
	counted := &eventsv1.ReportCounted{
		Month: MonthInRome(r.ReceivedAt), Channel: c.Channel, ReporterRole: c.ReporterRole, Anonymous: c.Anonymous,
	}
	event := outbox.Event{Tenant: r.Tenant, Type: TypeReportCounted, Aggregate: pseudonym, AggregateSeq: seq}
	var message proto.Message = counted
	switch {
	case seq == 1:
	case r.Withdrawn:
		event.Type, message = TypeReportWithdrawn, &eventsv1.ReportWithdrawn{}
	default:
		event.Type, message = TypeReportCorrected, &eventsv1.ReportCorrected{
			Month: counted.GetMonth(), Channel: counted.GetChannel(), ReporterRole: counted.GetReporterRole(),
			Anonymous: counted.GetAnonymous(),
		}
	}
	var err error
	event.Data, err = proto.MarshalOptions{Deterministic: true}.Marshal(message)
	return event, err
}

// Pseudonym is what events call a report.
func Pseudonym(secrets *seal.Secrets, t tenant.ID, reportID string) string {
	return secrets.Pseudonym(t, "report/"+reportID)
}

// EncodeReportWithdrawn returns the event that withdraws a counted report. The caller numbers it.
func EncodeReportWithdrawn(string) (outbox.Event, error) {
	data, err := proto.Marshal(&eventsv1.ReportWithdrawn{})
	return outbox.Event{Type: TypeReportWithdrawn, Data: data}, err
}

// MonthInRome returns the calendar month of a time in Italy.
func MonthInRome(at time.Time) *recordv1.Month {
	local := at.In(tz.Rome)
	return &recordv1.Month{Year: int32(local.Year()), Month: int32(local.Month())}
}
