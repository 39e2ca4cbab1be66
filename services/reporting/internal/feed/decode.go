package feed

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// eventType says which service may send events of a type, of the nodes or of the centre, and how they are decoded.
type eventType struct {
	source string
	centre bool
	decode func(data []byte) (aggregate string, c store.Change, err error)
}

// Sources of the events of nodes.
const (
	sourceIntake         = "intake"
	sourceCaseManagement = "casemanagement"
)

// eventTypes holds every event type ever published. None is removed: a node may send an old event again.
var eventTypes = map[string]eventType{
	"it.pari.report.counted.v1":       {sourceIntake, false, decodeReportCounted},
	"it.pari.report.corrected.v1":     {sourceIntake, false, decodeReportCorrected},
	"it.pari.report.withdrawn.v1":     {sourceIntake, false, decodeReportWithdrawn},
	"it.pari.case.withdrawn.v1":       {sourceCaseManagement, false, decodeCaseWithdrawn},
	"it.pari.case.opened.v1":          {sourceCaseManagement, false, decodeCaseOpened},
	"it.pari.case.classified.v1":      {sourceCaseManagement, false, decodeCaseClassified},
	"it.pari.case.action_recorded.v1": {sourceCaseManagement, false, decodeActionRecorded},
	"it.pari.case.closed.v1":          {sourceCaseManagement, false, decodeCaseClosed},
	"it.pari.activity.counted.v1":     {store.SourceDirectory, true, decodeActivityCounted},
	"it.pari.programme.counted.v1":    {store.SourceDirectory, true, decodeIndicatorsCounted},
}

// Decode decodes an event. Unknown fields are ignored, because a node may be newer than the centre. It returns
// store.ErrUnreadable for an unknown type and for data that does not decode. It returns store.ErrMismatch for a type
// that the partition's service may not send, and for an event of another case or entry than its subject names.
func Decode(p bus.Partition, typeName, aggregate string, data []byte) (store.Change, error) {
	t, ok := eventTypes[typeName]
	if !ok {
		return store.Change{}, store.ErrUnreadable
	}
	if t.source != p.Source || t.centre != (p.Tenant.Node == tenant.CentreNode) {
		return store.Change{}, store.ErrMismatch
	}
	named, c, err := t.decode(data)
	if err != nil {
		return store.Change{}, store.ErrUnreadable
	}
	if c.Report == nil && named != aggregate {
		return store.Change{}, store.ErrMismatch
	}
	return c, nil
}

func decodeReportCounted(data []byte) (string, store.Change, error) {
	var m eventsv1.ReportCounted
	err := proto.Unmarshal(data, &m)
	return "", store.Change{Report: fact.ReportCounted{
		Month: month(m.GetMonth()), Channel: m.GetChannel(), ReporterRole: m.GetReporterRole(),
		Anonymous: m.GetAnonymous(),
	}}, err
}

func decodeReportCorrected(data []byte) (string, store.Change, error) {
	var m eventsv1.ReportCorrected
	err := proto.Unmarshal(data, &m)
	return "", store.Change{Report: fact.ReportCorrected{
		Month: month(m.GetMonth()), Channel: m.GetChannel(), ReporterRole: m.GetReporterRole(),
		Anonymous: m.GetAnonymous(),
	}}, err
}

func decodeReportWithdrawn(data []byte) (string, store.Change, error) {
	return "", store.Change{Report: fact.ReportWithdrawn{}}, proto.Unmarshal(data, &eventsv1.ReportWithdrawn{})
}

func decodeCaseWithdrawn(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseWithdrawn
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseWithdrawn{}}, err
}

func decodeCaseOpened(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseOpened
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseOpened{
		Month: month(m.GetMonth()), Received: month(m.GetReceivedMonth()), Channel: m.GetChannel(),
		ReporterRole: m.GetReporterRole(),
	}}, err
}

func decodeCaseClassified(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseClassified
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseClassified{
		Restricted: m.GetSealed(), // the published contract calls a restricted case sealed
		Verdict:    m.GetVerdict(), Grounds: m.GetGrounds(), MainGround: m.GetMainGround(), Type: m.GetType(),
		Flags: m.GetFlags(), Field: m.GetField(), AuthorKinds: m.GetAuthorKinds(),
		Incident: month(m.GetIncidentMonth()), EventTerritory: m.GetEventTerritory(),
		ResidenceTerritory: m.GetResidenceTerritory(),
	}}, err
}

func decodeActionRecorded(data []byte) (string, store.Change, error) {
	var m eventsv1.ActionRecorded
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.ActionRecorded{
		Month: month(m.GetMonth()), Code: m.GetCode(), Result: m.GetResult(),
	}}, err
}

func decodeCaseClosed(data []byte) (string, store.Change, error) {
	var m eventsv1.CaseClosed
	err := proto.Unmarshal(data, &m)
	return m.GetCasePseudonym(), store.Change{Case: fact.CaseClosed{
		Month: month(m.GetMonth()), Outcome: m.GetOutcome(), SecondaryOutcomes: m.GetSecondaryOutcomes(),
	}}, err
}

func decodeActivityCounted(data []byte) (string, store.Change, error) {
	var m eventsv1.ActivityCounted
	err := proto.Unmarshal(data, &m)
	c := fact.ActivityCounted{}
	for _, r := range m.GetRows() {
		c.Rows = append(c.Rows, fact.ActivityRow{
			Measure: r.GetMeasure(), Year: int(r.GetYear()), Node: r.GetNode(), Value: r.GetValue(),
		})
	}
	// The subject writes course/reati-spia as course.reati-spia.
	return strings.Replace(m.GetEntry(), "/", ".", 1), store.Change{Activity: &c}, err
}

func decodeIndicatorsCounted(data []byte) (string, store.Change, error) {
	var m eventsv1.IndicatorsCounted
	err := proto.Unmarshal(data, &m)
	c := fact.IndicatorsCounted{Programme: m.GetProgramme()}
	for _, r := range m.GetRows() {
		c.Rows = append(c.Rows, fact.IndicatorRow{
			Code: r.GetCode(), Year: int(r.GetYear()), Target: r.GetTarget(), Value: r.GetValue(),
		})
	}
	return "programme." + m.GetProgramme(), store.Change{Indicators: &c}, err
}

func month(m *recordv1.Month) fact.Month {
	return fact.Month{Year: int(m.GetYear()), Month: int(m.GetMonth())}
}
