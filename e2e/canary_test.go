package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/e2e/canary"
	"github.com/retepari/pari/e2e/cluster"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// canaryReport is a report full of words that occur nowhere else.
func canaryReport(i int) *intakev1.SubmitReportRequest {
	req := report()
	req.Content.Narrative = canary.Narrative(i)
	req.Content.Contact = &intakev1.Contact{Name: canary.Name(i), Phone: canary.Phone(i), Email: canary.Email(i), SafeContact: canary.Safe(i)}
	return req
}

// Ensure that nothing of what people tell leaves its place: after 500 reports, refused ones among them, and cases with notes,
// no log, span, metric, event or byte of the centre's database holds a word of it, and none of the node's database in clear.
func TestCanary_NothingThatWasToldIsAnywhereElse(t *testing.T) {
	const reports = 500
	c := cluster.Start(t, cluster.Options{Nodes: []string{"cremona"}, Observe: true})
	n := &net{c}
	intake, desk := n.Intake(t, "cremona", system("protocollo")), n.Intake(t, "cremona", person("operator-cremona"))
	cases := n.Casework(t, "cremona", person("coordinator-cremona"))
	for i := range reports {
		req := canaryReport(i)
		answer, err := intake.SubmitReport(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if i%20 != 0 {
			continue
		}
		mistakes(t, intake, i)
		if got, err := desk.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: answer.GetReportId(), View: intakev1.ReportView_REPORT_VIEW_FULL}); err != nil || got.GetReport().GetContent().GetNarrative() != canary.Narrative(i) {
			t.Fatalf("the desk reads something else, %v", err)
		}
		noted(t, desk, cases, answer.GetReportId(), i)
	}
	n.agree(t, []string{"cremona"})

	look := func(what string, data []byte, mustHold string) {
		t.Helper()
		if !bytes.Contains(data, []byte(mustHold)) {
			t.Errorf("%s: nothing was searched: %q is not in %d bytes", what, mustHold, len(data))
		}
		if word := canary.Find(data); word != "" {
			t.Errorf("%s: holds %s", what, word)
		}
	}
	for _, name := range c.Services() {
		log, err := os.ReadFile(filepath.Join(c.Dir, "logs", name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		look("log of "+name, log, `"msg"`)
		look("metrics of "+name, metrics(t, c.OpsAddr[name]), "rpc_server")
		c.Kill(name) // spans were sent every 200 ms; what is on disk is complete now
	}
	spans, raw := c.Collector.Spans()
	t.Logf("searched %d spans, %d bytes", spans, len(raw))
	look("spans", raw, "pari.intake.v1.IntakeService")

	for name, server := range map[string]*pglocal.Server{"database of the nodes": c.NodePostgres, "database of the centre": c.CentrePostgres} {
		checkpoint(t, server)
		read, found, err := canary.Folder(server.Dir())
		if err != nil || read == 0 || len(found) > 0 {
			t.Errorf("%s: read %d bytes, found %v, %v", name, read, found, err)
		}
		t.Logf("searched %d bytes of the %s, log of writes included", read, name)
	}
	c.Kill("hub")
	read, found, err := canary.Folder(filepath.Join(c.Dir, "hub"))
	if err != nil || read < reports*100 || len(found) > 0 {
		t.Errorf("events: read %d bytes, found %v, %v", read, found, err)
	}
	t.Logf("searched %d bytes of events", read)
}

// mistakes sends what will be refused, with words in every field that can hold one.
func mistakes(t *testing.T, intake intakev1.IntakeServiceClient, i int) {
	t.Helper()
	for name, spoil := range map[string]func(*intakev1.SubmitReportRequest){
		"a word as a code":     func(r *intakev1.SubmitReportRequest) { r.Content.Channel = canary.Words[0] },
		"a word as an id":      func(r *intakev1.SubmitReportRequest) { r.RequestId = canary.Words[1] },
		"a word as a date":     func(r *intakev1.SubmitReportRequest) { r.Content.NoticeVersion = canary.Narrative(i) },
		"a name, anonymously":  func(r *intakev1.SubmitReportRequest) { r.Content.Anonymous = true },
		"an address with text": func(r *intakev1.SubmitReportRequest) { r.Content.Contact.Email = canary.Narrative(i) },
	} {
		req := canaryReport(i)
		spoil(req)
		_, err := intake.SubmitReport(t.Context(), req)
		if err == nil {
			t.Fatalf("%s was taken", name)
		}
		if word := canary.Find([]byte(fmt.Sprint(err))); word != "" {
			t.Errorf("%s: the refusal holds %s", name, word)
		}
	}
}

// noted works the case of a report, with notes full of words.
func noted(t *testing.T, desk intakev1.IntakeServiceClient, cases casemanagementv1.CaseManagementServiceClient, reportID string, i int) {
	t.Helper()
	taken, err := desk.TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: reportID, Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	id := taken.GetReport().GetCaseId()
	if _, err := cases.Assess(t.Context(), &casemanagementv1.AssessRequest{RequestId: uuid.NewString(), CaseId: id, Version: 1, Assessment: assessment()}); err != nil {
		t.Fatal(err)
	}
	if _, err := cases.RecordAction(t.Context(), &casemanagementv1.RecordActionRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: 2, Code: "INTERVIEW", Result: "DONE", Note: canary.Narrative(i) + " " + canary.Name(i),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := cases.CloseCase(t.Context(), &casemanagementv1.CloseCaseRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: 3, Outcome: "APOLOGY", Note: canary.Safe(i),
	}); err != nil {
		t.Fatal(err)
	}
	read, err := cases.GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: casemanagementv1.CaseView_CASE_VIEW_FULL})
	if err != nil || read.GetCase().GetClosing().GetNote() != canary.Safe(i) {
		t.Fatalf("the office reads something else, %v", err)
	}
}

func metrics(t *testing.T, addr string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func checkpoint(t *testing.T, s *pglocal.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(pglocal.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `checkpoint`); err != nil {
		t.Fatal(err)
	}
}
