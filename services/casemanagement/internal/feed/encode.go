// Package feed encodes the events that case management publishes to the centre: codes, months and provinces, under a
// pseudonym. Each message is built field by field, so notes and identifiers cannot reach an event.
//
// The event that restricts a case (sensitivity S4) has the pseudonym and sealed; the event that ends a restricted case
// has the pseudonym and the month. Its actions are not sent. Events sent before are not withdrawn: CaseOpened with
// month, received_month, channel and reporter_role, and, if the case was not restricted from its first assessment, the
// full CaseClassified, ActionRecorded and CaseClosed of that time.
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

// The CloudEvents types of case management's events.
const (
	TypeOpened         = "it.pari.case.opened.v1"
	TypeClassified     = "it.pari.case.classified.v1"
	TypeActionRecorded = "it.pari.case.action_recorded.v1"
	TypeClosed         = "it.pari.case.closed.v1"
	TypeWithdrawn      = "it.pari.case.withdrawn.v1" // only after a restore that has lost the case
)

// Encoder encodes events with the code lists.
type Encoder struct {
	// Group returns the group of a code in a list, or "" when the code has none or is unknown.
	Group func(list, code string) string
	// Known reports whether a list has a code.
	Known func(list, code string) bool
}

// Encode returns an event of a case as it is stored in the outbox.
func (enc Encoder) Encode(c *casefile.Case, e casefile.Event) (outbox.Event, error) {
	eventType, message, err := enc.message(c, e)
	if err != nil {
		return outbox.Event{}, err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return outbox.Event{}, fmt.Errorf("encode event: %w", err)
	}
	return outbox.Event{
		Tenant: c.Tenant, Type: eventType, Aggregate: c.Pseudonym, AggregateSeq: e.Seq, Data: data,
	}, nil
}

func (enc Encoder) message(c *casefile.Case, e casefile.Event) (eventType string, message proto.Message, err error) {
	switch e.Kind {
	case casefile.EventOpened:
		return TypeOpened, &eventsv1.CaseOpened{
			CasePseudonym: c.Pseudonym, Month: monthInRome(e.At), ReceivedMonth: monthToProto(&c.Received),
			Channel: c.Channel, ReporterRole: c.ReporterRole,
		}, nil
	case casefile.EventAssessed:
		return TypeClassified, enc.classified(c, e), nil
	case casefile.EventActionRecorded:
		return TypeActionRecorded, &eventsv1.ActionRecorded{
			CasePseudonym: c.Pseudonym, Month: monthInRome(e.At), Code: e.Action.Code, Result: e.Action.Result,
		}, nil
	case casefile.EventClosed:
		closed := &eventsv1.CaseClosed{CasePseudonym: c.Pseudonym, Month: monthInRome(e.At)}
		if !e.Restricted {
			closed.Outcome, closed.SecondaryOutcomes = e.Closing.Outcome, e.Closing.SecondaryOutcomes
		}
		return TypeClosed, closed, nil
	default:
		return "", nil, fmt.Errorf("event kind %q has no message", e.Kind)
	}
}

func (enc Encoder) classified(c *casefile.Case, e casefile.Event) *eventsv1.CaseClassified {
	if e.Restricted {
		// The published contract calls a restricted case sealed.
		return &eventsv1.CaseClassified{CasePseudonym: c.Pseudonym, Sealed: true}
	}
	a := e.Assessment
	return &eventsv1.CaseClassified{
		CasePseudonym: c.Pseudonym, Verdict: a.Verdict, Grounds: a.Grounds, MainGround: a.MainGround, Type: a.Type,
		Flags: a.Flags, Field: a.Field, AuthorKinds: a.AuthorKinds, IncidentMonth: monthToProto(a.IncidentMonth),
		EventTerritory: enc.province(a.EventPlace), ResidenceTerritory: enc.province(a.Residence),
	}
}

// province returns the province of a municipality, and any other place unchanged.
func (enc Encoder) province(place string) string {
	if group := enc.Group("territory", place); group != "" && enc.Known("territory", group) {
		return group
	}
	return place
}

func monthToProto(m *casefile.Month) *recordv1.Month {
	if m == nil {
		return nil
	}
	return &recordv1.Month{Year: m.Year, Month: m.Month}
}

// monthInRome returns the calendar month of a time in Italy.
func monthInRome(at time.Time) *recordv1.Month {
	local := at.In(tz.Rome)
	return &recordv1.Month{Year: int32(local.Year()), Month: int32(local.Month())}
}

// EncodeCaseWithdrawn returns the event that withdraws a case. The caller numbers it.
func EncodeCaseWithdrawn(pseudonym string) (outbox.Event, error) {
	data, err := proto.Marshal(&eventsv1.CaseWithdrawn{CasePseudonym: pseudonym})
	return outbox.Event{Type: TypeWithdrawn, Data: data}, err
}
