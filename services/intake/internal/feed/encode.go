// Package feed encodes the events that intake publishes to the centre: one for each report received, with some of its
// codes. A report.Report has no personal content, so none can reach an event.
package feed

import (
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tz"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/report"
)

// CloudEvents types of intake's events. A report is counted once, and withdrawn only after a restore that has lost it.
const (
	TypeReportCounted   = "it.pari.report.counted.v1"
	TypeReportWithdrawn = "it.pari.report.withdrawn.v1"
)

// EncodeReportCounted returns the event of a new report. Its aggregate is a pseudonym that is stored nowhere else: the
// report has no further events.
func EncodeReportCounted(r *report.Report) (outbox.Event, error) {
	c := r.CodedContent
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(&eventsv1.ReportCounted{
		Month: MonthInRome(r.ReceivedAt), Channel: c.Channel, ReporterRole: c.ReporterRole, Anonymous: c.Anonymous,
	})
	if err != nil {
		return outbox.Event{}, err
	}
	return outbox.Event{
		Tenant: r.Tenant, Type: TypeReportCounted, Aggregate: uuid.NewString(), AggregateSeq: 1, Data: data,
	}, nil
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
