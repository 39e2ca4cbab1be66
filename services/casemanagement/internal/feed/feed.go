// Package feed writes what a case tells the centre: codes, months and provinces, under a pseudonym. Of a sealed case it
// tells that it exists, that it is sealed and that it ended. Nothing sealed passes through here: notes are left out by not
// being named.
package feed

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tz"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

// The CloudEvents types of case management.
const (
	TypeOpened     = "it.pari.case.opened.v1"
	TypeClassified = "it.pari.case.classified.v1"
	TypeActed      = "it.pari.case.action_recorded.v1"
	TypeClosed     = "it.pari.case.closed.v1"
)

// Writer writes events.
type Writer struct {
	// Group returns the group of a code of a list, "" when it has none or is unknown; Known whether a code is in a list.
	Group func(list, code string) string
	Known func(list, code string) bool
}

// Write writes an event of a case.
func (w Writer) Write(c *casefile.Case, e casefile.Event) (outbox.Event, error) {
	kind, message, err := w.message(c, e)
	if err != nil {
		return outbox.Event{}, err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return outbox.Event{}, fmt.Errorf("write event: %w", err)
	}
	return outbox.Event{Node: c.Node, Type: kind, Aggregate: c.Pseudonym, AggregateSeq: e.Seq, Data: data}, nil
}

func (w Writer) message(c *casefile.Case, e casefile.Event) (string, proto.Message, error) {
	switch e.Kind {
	case casefile.EventOpened:
		return TypeOpened, &eventsv1.CaseOpened{
			CasePseudonym: c.Pseudonym, Month: monthOf(e.At), ReceivedMonth: month(&c.Received), Channel: c.Channel, ReporterRole: c.ReporterRole,
		}, nil
	case casefile.EventClassified:
		if e.Sealed {
			return TypeClassified, &eventsv1.CaseClassified{CasePseudonym: c.Pseudonym, Sealed: true}, nil
		}
		a := e.Assessment
		return TypeClassified, &eventsv1.CaseClassified{
			CasePseudonym: c.Pseudonym, Verdict: a.Verdict, Grounds: a.Grounds, MainGround: a.MainGround, Type: a.Type, Flags: a.Flags, Field: a.Field,
			AuthorKinds: a.AuthorKinds, IncidentMonth: month(a.IncidentMonth), EventTerritory: w.province(a.EventPlace), ResidenceTerritory: w.province(a.Residence),
		}, nil
	case casefile.EventActed:
		return TypeActed, &eventsv1.ActionRecorded{CasePseudonym: c.Pseudonym, Month: monthOf(e.At), Code: e.Action.Code, Result: e.Action.Result}, nil
	case casefile.EventClosed:
		closed := &eventsv1.CaseClosed{CasePseudonym: c.Pseudonym, Month: monthOf(e.At)}
		if !e.Sealed {
			closed.Outcome, closed.SecondaryOutcomes = e.Closing.Outcome, e.Closing.Secondary
		}
		return TypeClosed, closed, nil
	default:
		return "", nil, fmt.Errorf("event %s has no message", e.Kind)
	}
}

// province is the province of a municipality; every other place stands for itself.
func (w Writer) province(place string) string {
	if group := w.Group("territory", place); group != "" && w.Known("territory", group) {
		return group
	}
	return place
}

func month(m *casefile.Month) *recordv1.Month {
	if m == nil {
		return nil
	}
	return &recordv1.Month{Year: m.Year, Month: m.Month}
}

// monthOf is the month of a moment in Italy.
func monthOf(at time.Time) *recordv1.Month {
	local := at.In(tz.Rome)
	return &recordv1.Month{Year: int32(local.Year()), Month: int32(local.Month())}
}
