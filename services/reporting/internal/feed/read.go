package feed

import (
	"google.golang.org/protobuf/proto"

	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// kind is an event type: the service that may send it, and how it is read.
type kind struct {
	source string
	read   func(data []byte) (pseudonym string, c store.Change, err error)
}

// kinds are the event types that are read here, for ever: every one ever published stays.
var kinds = map[string]kind{
	"it.pari.report.counted.v1":       {"intake", readReportCounted},
	"it.pari.case.opened.v1":          {"casemanagement", readCaseOpened},
	"it.pari.case.classified.v1":      {"casemanagement", readCaseClassified},
	"it.pari.case.action_recorded.v1": {"casemanagement", readActionRecorded},
	"it.pari.case.closed.v1":          {"casemanagement", readCaseClosed},
}

// Read turns an event into a change. Fields that it does not know are passed over: a node may be newer than the centre. It
// returns store.ErrUnreadable for a type or bytes that it cannot read, and store.ErrForeign for an event of another service
// or about another case than it claims.
func Read(source, eventType, aggregate string, data []byte) (store.Change, error) {
	k, ok := kinds[eventType]
	if !ok {
		return store.Change{}, store.ErrUnreadable
	}
	if k.source != source {
		return store.Change{}, store.ErrForeign
	}
	pseudonym, c, err := k.read(data)
	if err != nil {
		return store.Change{}, store.ErrUnreadable
	}
	if c.Case != nil && pseudonym != aggregate {
		return store.Change{}, store.ErrForeign
	}
	return c, nil
}

func readReportCounted(data []byte) (string, store.Change, error) {
	var m eventsv1.ReportCounted
	err := proto.Unmarshal(data, &m)
	return "", store.Change{Report: &fact.ReportCounted{
		Month: month(m.GetMonth()), Channel: m.GetChannel(), ReporterRole: m.GetReporterRole(), Anonymous: m.GetAnonymous(),
	}}, err
}

func readCaseOpened(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseOpened
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseOpened{
		Month: month(m.GetMonth()), Received: month(m.GetReceivedMonth()), Channel: m.GetChannel(), ReporterRole: m.GetReporterRole(),
	}}, err
}

func readCaseClassified(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseClassified
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseClassified{
		Sealed: m.GetSealed(), Verdict: m.GetVerdict(), Grounds: m.GetGrounds(), MainGround: m.GetMainGround(), Type: m.GetType(),
		Flags: m.GetFlags(), Field: m.GetField(), AuthorKinds: m.GetAuthorKinds(), Incident: month(m.GetIncidentMonth()),
		EventTerritory: m.GetEventTerritory(), ResidenceTerritory: m.GetResidenceTerritory(),
	}}, err
}

func readActionRecorded(data []byte) (string, store.Change, error) {
	var m eventsv1.ActionRecorded
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.ActionRecorded{Month: month(m.GetMonth()), Code: m.GetCode(), Result: m.GetResult()}}, err
}

func readCaseClosed(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseClosed
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseClosed{
		Month: month(m.GetMonth()), Outcome: m.GetOutcome(), SecondaryOutcomes: m.GetSecondaryOutcomes(),
	}}, err
}

func month(m *recordv1.Month) fact.Month {
	return fact.Month{Year: int(m.GetYear()), Month: int(m.GetMonth())}
}
