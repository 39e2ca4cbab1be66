package feed

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// kind is an event type: the service that may send it, of the nodes or of the centre, and how it is read.
type kind struct {
	source string
	centre bool
	read   func(data []byte) (pseudonym string, c store.Change, err error)
}

// kinds are the event types that are read here, for ever: every one ever published stays.
var kinds = map[string]kind{
	"it.pari.report.counted.v1":       {"intake", false, readReportCounted},
	"it.pari.case.opened.v1":          {"casemanagement", false, readCaseOpened},
	"it.pari.case.classified.v1":      {"casemanagement", false, readCaseClassified},
	"it.pari.case.action_recorded.v1": {"casemanagement", false, readActionRecorded},
	"it.pari.case.closed.v1":          {"casemanagement", false, readCaseClosed},
	"it.pari.activity.counted.v1":     {store.Directory, true, readActivityCounted},
	"it.pari.programme.counted.v1":    {store.Directory, true, readIndicatorsCounted},
}

// Read turns an event into a change. Fields that it does not know are passed over: a node may be newer than the centre. It
// returns store.ErrUnreadable for a type or bytes that it cannot read, and store.ErrForeign for an event of another service
// of the centre that a node sends or the other way round, or about another case or entry than it claims.
func Read(line bus.Partition, eventType, aggregate string, data []byte) (store.Change, error) {
	k, ok := kinds[eventType]
	if !ok {
		return store.Change{}, store.ErrUnreadable
	}
	if k.source != line.Source || k.centre != (line.Node == identity.Centre) {
		return store.Change{}, store.ErrForeign
	}
	pseudonym, c, err := k.read(data)
	if err != nil {
		return store.Change{}, store.ErrUnreadable
	}
	if c.Report == nil && pseudonym != aggregate {
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

func readActivityCounted(data []byte) (string, store.Change, error) {
	var m eventsv1.ActivityCounted
	err := proto.Unmarshal(data, &m)
	c := fact.ActivityCounted{}
	for _, r := range m.GetRows() {
		c.Rows = append(c.Rows, fact.ActivityRow{Measure: r.GetMeasure(), Year: int(r.GetYear()), Node: r.GetNode(), Value: r.GetValue()})
	}
	return strings.Replace(m.GetEntry(), "/", ".", 1), store.Change{Activity: &c}, err
}

func readIndicatorsCounted(data []byte) (string, store.Change, error) {
	var m eventsv1.IndicatorsCounted
	err := proto.Unmarshal(data, &m)
	c := fact.IndicatorsCounted{Programme: m.GetProgramme()}
	for _, r := range m.GetRows() {
		c.Rows = append(c.Rows, fact.IndicatorRow{Code: r.GetCode(), Year: int(r.GetYear()), Target: r.GetTarget(), Value: r.GetValue()})
	}
	return "programme." + m.GetProgramme(), store.Change{Indicators: &c}, err
}

func month(m *recordv1.Month) fact.Month {
	return fact.Month{Year: int(m.GetYear()), Month: int(m.GetMonth())}
}
