// Package feed writes what intake tells the centre: that a report was received, and its codes. Nothing that a person told
// passes through here; the functions take codes only.
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

// TypeReportCounted is the CloudEvents type of the only event of intake.
const TypeReportCounted = "it.pari.report.counted.v1"

// ReportCounted is the event of a new report. Its pseudonym is kept nowhere: nothing else is ever told of this report.
func ReportCounted(r *report.Report) (outbox.Event, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(&eventsv1.ReportCounted{
		Month: Month(r.ReceivedAt), Channel: r.Codes.Channel, ReporterRole: r.Codes.ReporterRole, Anonymous: r.Codes.Anonymous,
	})
	if err != nil {
		return outbox.Event{}, err
	}
	return outbox.Event{Node: r.Node, Type: TypeReportCounted, Aggregate: uuid.NewString(), AggregateSeq: 1, Data: data}, nil
}

// Month is the month of a moment in Italy.
func Month(at time.Time) *recordv1.Month {
	local := at.In(tz.Rome)
	return &recordv1.Month{Year: int32(local.Year()), Month: int32(local.Month())}
}
