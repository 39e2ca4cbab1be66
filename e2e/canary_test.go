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

// canaryReport returns a report whose personal fields hold canary words.
func canaryReport(i int) *intakev1.SubmitReportRequest {
	req := report()
	req.Content.Narrative = canary.Narrative(i)
	req.Content.Contact = &intakev1.Contact{
		Name: canary.Name(i), Phone: canary.Phone(i), Email: canary.Email(i), SafeContact: canary.Safe(i),
	}
	return req
}

// Ensure that personal content does not leave its database: after 500 reports, some of them refused, and cases with
// notes, no log, span, metric, event or byte of the centre's database holds a canary word, and no byte of the node's
// database holds one in clear.
func TestCanary_PersonalContentStaysSealed(t *testing.T) {
	const reports = 500
	c := cluster.Start(t, cluster.Options{Nodes: []string{"cremona"}, Observe: true})
	h := &harness{c}
	intake, operator := h.Intake(t, "cremona", system("protocollo")), h.Intake(t, "cremona", person("operator-cremona"))
	cases := h.Cases(t, "cremona", person("coordinator-cremona"))
	for i := range reports {
		req := canaryReport(i)
		resp, err := intake.SubmitReport(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if i%20 != 0 {
			continue
		}
		submitInvalid(t, intake, i)
		got, err := operator.GetReport(t.Context(), &intakev1.GetReportRequest{
			ReportId: resp.GetReportId(), View: intakev1.ReportView_REPORT_VIEW_FULL,
		})
		if err != nil || got.GetReport().GetContent().GetNarrative() != canary.Narrative(i) {
			t.Fatalf("the operator reads another narrative, %v", err)
		}
		workCaseWithNotes(t, operator, cases, resp.GetReportId(), i)
	}
	h.waitReconciled(t, []string{"cremona"})

	for _, name := range c.Services() {
		log, err := os.ReadFile(filepath.Join(c.Dir, "logs", name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		checkClean(t, "log of "+name, log, `"msg"`)
		checkClean(t, "metrics of "+name, scrapeMetrics(t, c.OpsAddr[name]), "rpc_server")
		c.Kill(name) // nothing is written to disk after this; spans are exported every 200 ms
	}
	spans, raw := c.Collector.Spans()
	t.Logf("searched %d spans, %d bytes", spans, len(raw))
	checkClean(t, "spans", raw, "pari.intake.v1.IntakeService")

	checkpoint(t, c.NodePostgres)
	checkFolderClean(t, "database of the nodes", c.NodePostgres.Dir(), 1)
	checkpoint(t, c.CentrePostgres)
	checkFolderClean(t, "database of the centre", c.CentrePostgres.Dir(), 1)
	c.Kill("hub")
	checkFolderClean(t, "events", filepath.Join(c.Dir, "hub"), reports*100)
}

// checkClean checks that data holds no canary word. It must hold a known string, so that an empty search fails.
func checkClean(t *testing.T, what string, data []byte, mustHold string) {
	t.Helper()
	if !bytes.Contains(data, []byte(mustHold)) {
		t.Errorf("%s: %d bytes without %q: the search proves nothing", what, len(data), mustHold)
	}
	if word := canary.Find(data); word != "" {
		t.Errorf("%s: holds %s", what, word)
	}
}

// checkFolderClean checks that no file below a folder holds a canary word, and that there are at least so many bytes.
func checkFolderClean(t *testing.T, what, folder string, minBytes int64) {
	t.Helper()
	read, found, err := canary.Folder(folder)
	if err != nil || read < minBytes || len(found) > 0 {
		t.Errorf("%s: read %d bytes, found %v, %v", what, read, found, err)
	}
	t.Logf("searched %d bytes of the %s", read, what)
}

// submitInvalid submits invalid requests with canary words in every field that can hold one.
func submitInvalid(t *testing.T, intake intakev1.IntakeServiceClient, i int) {
	t.Helper()
	for name, mutate := range map[string]func(*intakev1.SubmitReportRequest){
		"word as code":         func(r *intakev1.SubmitReportRequest) { r.Content.Channel = canary.Words[0] },
		"word as request id":   func(r *intakev1.SubmitReportRequest) { r.RequestId = canary.Words[1] },
		"text as version":      func(r *intakev1.SubmitReportRequest) { r.Content.NoticeVersion = canary.Narrative(i) },
		"anonymous with name":  func(r *intakev1.SubmitReportRequest) { r.Content.Anonymous = true },
		"text as mail address": func(r *intakev1.SubmitReportRequest) { r.Content.Contact.Email = canary.Narrative(i) },
	} {
		req := canaryReport(i)
		mutate(req)
		_, err := intake.SubmitReport(t.Context(), req)
		if err == nil {
			t.Fatalf("%s: was accepted", name)
		}
		if word := canary.Find([]byte(fmt.Sprint(err))); word != "" {
			t.Errorf("%s: the error holds %s", name, word)
		}
	}
}

// workCaseWithNotes takes a report in charge and closes its case. The notes hold canary words.
func workCaseWithNotes(
	t *testing.T, intake intakev1.IntakeServiceClient, cases casemanagementv1.CaseManagementServiceClient,
	reportID string, i int,
) {
	t.Helper()
	taken, err := intake.TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{
		RequestId: uuid.NewString(), ReportId: reportID, Version: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	id := taken.GetReport().GetCaseId()
	if _, err := cases.Assess(t.Context(), &casemanagementv1.AssessRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: 1, Assessment: assessment(),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := cases.RecordAction(t.Context(), &casemanagementv1.RecordActionRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: 2, Code: "INTERVIEW", Result: "DONE",
		Note: canary.Narrative(i) + " " + canary.Name(i),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := cases.CloseCase(t.Context(), &casemanagementv1.CloseCaseRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: 3, Outcome: "APOLOGY", Note: canary.Safe(i),
	}); err != nil {
		t.Fatal(err)
	}
	got, err := cases.GetCase(t.Context(), &casemanagementv1.GetCaseRequest{
		CaseId: id, View: casemanagementv1.CaseView_CASE_VIEW_FULL,
	})
	if err != nil || got.GetCase().GetClosing().GetNote() != canary.Safe(i) {
		t.Fatalf("the coordinator reads another note, %v", err)
	}
}

func scrapeMetrics(t *testing.T, addr string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// checkpoint writes all changes of a server to its data files.
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
