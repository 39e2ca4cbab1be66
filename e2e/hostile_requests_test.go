package e2e_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// validRequests returns valid requests of every RPC, by its name and a suffix.
func (h *harness) validRequests(t *testing.T) map[protoreflect.Name]map[string]validRequest {
	t.Helper()
	all := map[protoreflect.Name]map[string]validRequest{}
	for name, v := range h.nodeRequests(t) {
		all[name] = map[string]validRequest{"": v}
	}
	for name, v := range h.directoryRequests(t) {
		all[name] = map[string]validRequest{"": v}
	}
	all["ProposeChanges"] = h.proposals(t)
	return all
}

// same makes the same request each time.
func same(req proto.Message) func(*testing.T) proto.Message {
	return func(*testing.T) proto.Message { return proto.Clone(req) }
}

// nodeRequests returns requests to intake, case management and reporting.
func (h *harness) nodeRequests(t *testing.T) map[protoreflect.Name]validRequest {
	t.Helper()
	const node = "cremona"
	intake := h.conn(t, "intake."+node, node, person("operator-"+node))
	cases := h.conn(t, "casemanagement."+node, node, person("coordinator-"+node))
	asIntake := h.conn(t, "casemanagement."+node, node, system("intake"))
	reporting := h.conn(t, "reporting", "centre", person("analyst"))
	stored := h.submit(t, node)
	return map[protoreflect.Name]validRequest{
		"SubmitReport": {intake, func(*testing.T) proto.Message { return report() }},
		"GetReport":    {intake, same(&intakev1.GetReportRequest{ReportId: stored})},
		"ListReports":  {intake, same(&intakev1.ListReportsRequest{})},
		"GetSubmissionStates": {h.conn(t, "intake."+node, node, system("protocollo")),
			same(&intakev1.GetSubmissionStatesRequest{RequestIds: []string{uuid.NewString()}})},
		"TakeInCharge": {intake, func(t *testing.T) proto.Message {
			return &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: h.submit(t, node), Version: 1}
		}},
		"OpenCase": {asIntake, func(*testing.T) proto.Message {
			return &casemanagementv1.OpenCaseRequest{
				RequestId: uuid.NewString(), ReportId: uuid.NewString(), Channel: "WEB_FORM", ReporterRole: "WITNESS",
				OnBehalfOf:    &recordv1.Actor{Person: "anna@x", Node: node, System: "console", Region: "lombardia"},
				ReceivedMonth: &recordv1.Month{Year: 2026, Month: 2},
			}
		}},
		"GetCase": {cases, func(t *testing.T) proto.Message {
			return &casemanagementv1.GetCaseRequest{CaseId: h.openCase(t, node)}
		}},
		"ListCases": {cases, same(&casemanagementv1.ListCasesRequest{})},
		"Assess": {cases, func(t *testing.T) proto.Message {
			a := assessment()
			a.IncidentMonth = &recordv1.Month{Year: 2026, Month: 2}
			return &casemanagementv1.AssessRequest{
				RequestId: uuid.NewString(), CaseId: h.openCase(t, node), Version: 1, Assessment: a,
			}
		}},
		"RecordAction": {cases, func(t *testing.T) proto.Message {
			return &casemanagementv1.RecordActionRequest{
				RequestId: uuid.NewString(), CaseId: h.assessedCase(t, node), Version: 2,
				Code: "LETTER", Result: "DONE",
			}
		}},
		"CloseCase": {cases, func(t *testing.T) proto.Message {
			return &casemanagementv1.CloseCaseRequest{
				RequestId: uuid.NewString(), CaseId: h.assessedCase(t, node), Version: 2,
				Outcome: "REMOVED_SPONTANEOUS",
			}
		}},
		"ListTables": {reporting, same(&reportingv1.ListTablesRequest{})},
		"GetTable":   {reporting, same(&reportingv1.GetTableRequest{Table: "T1", Region: "lombardia", Year: 2026})},
		"ListPartitionEvents": {h.conn(t, "reporting", "centre", caller{node: node, system: "intake"}),
			same(&reportingv1.ListPartitionEventsRequest{Region: "lombardia", Node: node, Source: "intake"})},
		"GetFeedStatus": {reporting, same(&reportingv1.GetFeedStatusRequest{Region: "lombardia"})},
	}
}

// submit stores a report and returns its identifier.
func (h *harness) submit(t *testing.T, node string) string {
	t.Helper()
	stored, err := h.Intake(t, node, system("protocollo")).SubmitReport(callContext(t), report())
	if err != nil {
		t.Fatal(err)
	}
	return stored.GetReportId()
}

// openCase returns the identifier of a new case.
func (h *harness) openCase(t *testing.T, node string) string {
	t.Helper()
	taken, err := h.Intake(t, node, person("operator-"+node)).TakeInCharge(callContext(t),
		&intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: h.submit(t, node), Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	return taken.GetReport().GetCaseId()
}

// assessedCase returns the identifier of a new case that has an assessment.
func (h *harness) assessedCase(t *testing.T, node string) string {
	t.Helper()
	id := h.openCase(t, node)
	_, err := h.Cases(t, node, person("coordinator-"+node)).Assess(callContext(t),
		&casemanagementv1.AssessRequest{RequestId: uuid.NewString(), CaseId: id, Version: 1, Assessment: assessment()})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// directoryRequests returns requests to the directory, except ProposeChanges.
func (h *harness) directoryRequests(t *testing.T) map[protoreflect.Name]validRequest {
	t.Helper()
	reader := h.conn(t, "directory", "centre", caller{node: "cremona", system: "console", user: "editor-cremona"})
	publisher := h.conn(t, "directory", "centre", person("publisher"))
	const office, node = "cremona-sportello", "cremona"
	from := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	span := func(hours int) *timestamppb.Timestamp {
		return timestamppb.New(from.Add(time.Duration(hours) * time.Hour))
	}
	all := map[protoreflect.Name]validRequest{"DecideProposal": {publisher, func(t *testing.T) proto.Message {
		p := h.propose(t)
		return &directoryv1.DecideProposalRequest{
			RequestId: uuid.NewString(), ProposalId: p.GetProposalId(), Version: p.GetVersion(),
			Decision: directoryv1.Decision_DECISION_REJECT,
		}
	}}}
	for name, req := range map[protoreflect.Name]proto.Message{
		"GetOffice":   &directoryv1.GetOfficeRequest{OfficeId: office},
		"ListOffices": &directoryv1.ListOfficesRequest{Node: node},
		"FindOffices": &directoryv1.FindOfficesRequest{
			Territory: "019036", Ground: "SKIN_COLOUR", OpenAt: span(0), Languages: []string{"IT"},
		},
		"GetDirectoryStatus": &directoryv1.GetDirectoryStatusRequest{},
		"GetEntry":           &directoryv1.GetEntryRequest{Kind: "office", Id: office},
		"ListEntries":        &directoryv1.ListEntriesRequest{Kinds: []string{"office"}, Node: node},
		"ListEntryHistory":   &directoryv1.ListEntryHistoryRequest{Kind: "office", Id: office},
		"ListQualifications": &directoryv1.ListQualificationsRequest{Date: "2026-11-02"},
		"ReadDocument": &directoryv1.ReadDocumentRequest{
			Format: yaml, Kind: "office", Content: []byte("name: X"),
		},
		"ListProposals":         &directoryv1.ListProposalsRequest{},
		"GetInitiativeCalendar": &directoryv1.GetInitiativeCalendarRequest{Node: node},
		"ExportDirectory":       &directoryv1.ExportDirectoryRequest{Format: csv, Node: node},
		"PrintOffice":           &directoryv1.PrintOfficeRequest{OfficeId: office, Language: "it"},
		"ListVocabularies":      &directoryv1.ListVocabulariesRequest{Names: []string{"ground"}},
		"ListOpenings":          &directoryv1.ListOpeningsRequest{OfficeId: office, From: span(0), To: span(72)},
		"ListFreeWindows": &directoryv1.ListFreeWindowsRequest{
			OfficeId: office, From: span(0), To: span(72), LengthMinutes: 30,
			Busy: []*directoryv1.TimeSpan{{From: span(1), To: span(2)}},
		},
		"GetOfficeCalendar": &directoryv1.GetOfficeCalendarRequest{OfficeId: office},
		"ResolveTerritory":  &directoryv1.ResolveTerritoryRequest{Name: "Cremona", Date: "2026-11-02"},
		"GetTerritory":      &directoryv1.GetTerritoryRequest{Code: "019036"},
		"ListTerritories":   &directoryv1.ListTerritoriesRequest{Parent: "019", Date: "2026-11-02"},
	} {
		all[name] = validRequest{reader, same(req)}
	}
	return all
}

const (
	yaml = directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML
	csv  = directoryv1.ExportFormat_EXPORT_FORMAT_CSV
)

// proposals returns a proposal for each kind of entry, which changes the largest entry of the kind.
func (h *harness) proposals(t *testing.T) map[string]validRequest {
	t.Helper()
	largest := map[string]*directoryv1.Entry{}
	req := &directoryv1.ListEntriesRequest{PageSize: 200}
	for {
		page, err := h.Directory(t, "centre", person("editor")).ListEntries(callContext(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.GetEntries() {
			if proto.Size(e) > proto.Size(largest[e.GetKind()]) {
				largest[e.GetKind()] = e
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if len(largest) < 7 {
		t.Fatalf("only %d kinds of entry", len(largest))
	}
	conn, all := h.conn(t, "directory", "centre", person("editor")), map[string]validRequest{}
	for kind, e := range largest {
		all[" "+kind] = validRequest{conn, func(*testing.T) proto.Message {
			return &directoryv1.ProposeChangesRequest{
				RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{proto.CloneOf(e)},
			}
		}}
	}
	return all
}

// propose stores a proposal for a person to decide on.
func (h *harness) propose(t *testing.T) *directoryv1.Proposal {
	t.Helper()
	editor := h.Directory(t, "centre", caller{node: "cremona", system: "console", user: "editor-cremona"})
	got, err := editor.GetEntry(callContext(t), &directoryv1.GetEntryRequest{Kind: "office", Id: "cremona-sportello"})
	if err != nil {
		t.Fatal(err)
	}
	e := proto.CloneOf(got.GetEntry())
	e.GetOffice().Description = "prova " + uuid.NewString()
	req := &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{e},
	}
	proposed, err := editor.ProposeChanges(callContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return proposed.GetProposal()
}
