package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tz"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

const full = intakev1.ReportView_REPORT_VIEW_FULL

func TestSubmitReport(t *testing.T) {
	t.Parallel()
	w := open(t)
	got := submit(t, w.system(t), told())
	if _, ok := seal.ParseReceipt(got.GetReceiptCode()); !ok || !strings.HasPrefix(got.GetNumber(), "CR-2026-0") || got.GetReplayed() {
		t.Errorf("got %v", got)
	}
	if at := got.GetReceivedAt().AsTime(); !at.Equal(morning.Truncate(time.Minute)) {
		t.Errorf("received at %s", at)
	}
	if n := w.stored.Load(); n != 1 || w.count(t, "outbox") != 1 {
		t.Errorf("the relay was told of %d events, and %d are there", n, w.count(t, "outbox"))
	}
}

// Ensure the basic view holds codes only, and the full view all that was told, with a record of who opened it.
func TestGetReport_Views(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := submit(t, w.system(t), told()).GetReportId()
	operator := w.person(t, "cremona", "operator")

	basic, err := operator.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
	if err != nil {
		t.Fatal(err)
	}
	want := told()
	want.Narrative, want.Contact, want.IncidentDate = "", nil, nil
	if diff := cmp.Diff(want, basic.GetReport().GetContent(), protocmp.Transform()); diff != "" || w.count(t, "opening") != 0 {
		t.Errorf("%d openings, basic view %s", w.count(t, "opening"), diff)
	}

	whole, err := operator.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id, View: full})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(told(), whole.GetReport().GetContent(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if n := w.count(t, "opening"); n != 1 || !strings.Contains(dump(t, w.pool, "cremona"), id+`,"2026-11-23 09:41:27`) {
		t.Errorf("%d openings, want 1 of now", n)
	}
	if h := whole.GetReport().GetHistory(); len(h) != 1 || h[0].GetWhat() != "SUBMITTED" || h[0].GetBy().GetSystem() != "portal" || h[0].GetBy().GetPerson() != "" {
		t.Errorf("history %v", h)
	}
}

// Ensure nobody but people who work on reports opens what was told, and that who may not leaves no trace of having done so.
func TestGetReport_FullViewIsForThoseWhoWorkOnIt(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := submit(t, w.system(t), told()).GetReportId()
	for _, c := range []struct {
		who    string
		client intakev1.IntakeServiceClient
		reason fault.Reason
	}{
		{"a system", w.system(t), fault.ViewNotAllowed},
		{"somebody who may only submit", w.person(t, "cremona", "submitter"), fault.ViewNotAllowed},
		{"an operator of another node", w.person(t, "mantova", "operator"), fault.NotFound},
	} {
		_, err := c.client.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id, View: full})
		if got := fault.ReasonOf(fault.FromStatus(err)); got != c.reason {
			t.Errorf("%s: %v, want %s", c.who, err, c.reason)
		}
	}
	if n := w.count(t, "opening"); n != 0 {
		t.Errorf("%d openings", n)
	}
}

// Ensure what was told lies in neither database in a form that can be read, nor the receipt; and opens no more once its key
// is destroyed.
func TestSubmitReport_SealsWhatWasTold(t *testing.T) {
	t.Parallel()
	w := open(t)
	answer := submit(t, w.system(t), told())
	all := dump(t, w.pool, "cremona") + dump(t, w.keyPool, "cremona")
	if !strings.Contains(all, "PHONE") || !holds(all, string([]byte{0x12, 5})+"PHONE") { // the latter as the event has it
		t.Fatal("the dump does not show what is there")
	}
	for _, text := range append(secretsOf(told()), answer.GetReceiptCode()) {
		if holds(all, text) {
			t.Errorf("%q can be read", text)
		}
	}

	var keyID uuid.UUID
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `select set_config('app.node', 'cremona', true)`); err != nil {
		t.Fatal(err)
	}
	if err := tx.QueryRow(t.Context(), `select key_id from report`).Scan(&keyID); err != nil {
		t.Fatal(err)
	}
	if err := w.keys.Destroy(t.Context(), "cremona", keyID); err != nil {
		t.Fatal(err)
	}
	_, err = w.person(t, "cremona", "operator").GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: answer.GetReportId(), View: full})
	refused(t, err, fault.NotFound)
}

// Ensure the same request again gets the same answer and is stored once, also when it comes eight times at once.
func TestSubmitReport_Again(t *testing.T) {
	t.Parallel()
	w := open(t)
	client, request := w.system(t), submission(told())
	first, err := client.SubmitReport(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.SubmitReport(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	want := proto.CloneOf(first)
	want.Replayed = true
	if diff := cmp.Diff(want, again, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}

	atOnce := submission(told())
	answers := make(chan string, 8)
	for range cap(answers) {
		go func() {
			answer, err := client.SubmitReport(t.Context(), atOnce)
			answers <- fmt.Sprint(answer.GetReportId(), answer.GetNumber(), answer.GetReceiptCode(), err)
		}()
	}
	one := <-answers
	for range cap(answers) - 1 {
		if other := <-answers; other != one {
			t.Errorf("answered %s and %s", one, other)
		}
	}
	if reports, events := w.count(t, "report"), w.count(t, "outbox"); reports != 2 || events != 2 {
		t.Errorf("%d reports and %d events, want 2 and 2", reports, events)
	}
}

func TestSubmitReport_RequestIDReused(t *testing.T) {
	t.Parallel()
	w := open(t)
	client, request := w.system(t), submission(told())
	if _, err := client.SubmitReport(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	request.Content.Narrative += " E poi altro."
	_, err := client.SubmitReport(t.Context(), request)
	refused(t, err, fault.RequestIDReused)
	_, err = w.person(t, "cremona", "operator").TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{RequestId: request.GetRequestId(), ReportId: uuid.NewString(), Version: 1})
	refused(t, err, fault.RequestIDReused)
	if n := w.count(t, "report"); n != 1 {
		t.Errorf("%d reports, want 1", n)
	}
	// Ensure request ids of another node are its own.
	if _, err := w.person(t, "mantova", "operator").SubmitReport(t.Context(), request); err != nil {
		t.Error(err)
	}
}

func TestSubmitReport_ValidateOnly(t *testing.T) {
	t.Parallel()
	w := open(t)
	request := submission(told())
	request.ValidateOnly = true
	got, err := w.system(t).SubmitReport(t.Context(), request)
	if diff := cmp.Diff(&intakev1.SubmitReportResponse{}, got, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	for _, table := range []string{"report", "idempotency_key", "outbox", "sequence_block"} {
		if n := w.count(t, table); n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	// Ensure its request id may be used for the report itself, and that errors are the same.
	request.ValidateOnly = false
	if _, err := w.system(t).SubmitReport(t.Context(), request); err != nil {
		t.Error(err)
	}
	request.ValidateOnly, request.Content.Narrative = true, ""
	_, err = w.system(t).SubmitReport(t.Context(), request)
	refused(t, err, fault.InvalidRequest, "content.narrative REQUIRED")
}

// Ensure everything that is wrong is told at once, each with the path of its field.
func TestSubmitReport_Invalid(t *testing.T) {
	t.Parallel()
	w := open(t)
	client := w.system(t)
	for _, c := range []struct {
		name   string
		spoil  func(*intakev1.SubmitReportRequest)
		fields []string
	}{
		{"nothing", func(r *intakev1.SubmitReportRequest) { proto.Reset(r) }, []string{"request_id BAD_UUID", "content REQUIRED"}},
		{"empty", func(r *intakev1.SubmitReportRequest) { r.Content = &intakev1.ReportContent{} }, []string{
			"content.channel REQUIRED", "content.reporter_role REQUIRED", "content.grounds TOO_FEW", "content.wish REQUIRED",
			"content.incident_place REQUIRED", "content.narrative REQUIRED", "content.notice_version REQUIRED",
		}},
		{"shape and codes", func(r *intakev1.SubmitReportRequest) {
			r.RequestId = "1"
			r.Content = &intakev1.ReportContent{
				Channel: "phone", ReporterRole: strings.Repeat("X", 41), Grounds: []string{"SEX", "RACE", "SEX"}, Wish: "HELP", IncidentPlace: "999999",
				IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 2, Day: 30}, Narrative: strings.Repeat("è", 20001), Language: "Italian!",
				NoticeVersion: "2026-01", Contact: &intakev1.Contact{Phone: "x", Email: "x"}, Consents: []*intakev1.Consent{{Code: "C_WORK", Status: "MAYBE"}},
			}
		}, []string{
			"request_id BAD_UUID", "content.reporter_role TOO_LONG", "content.grounds NOT_UNIQUE", "content.incident_date IMPOSSIBLE_DATE",
			"content.narrative TOO_LONG", "content.contact.phone BAD_FORMAT", "content.contact.email BAD_EMAIL", "content.language BAD_FORMAT",
			"content.channel UNKNOWN_CODE", "content.grounds[1] UNKNOWN_CODE", "content.incident_place UNKNOWN_CODE", "content.consents[0].status UNKNOWN_CODE",
		}},
		{"a code that has expired", func(r *intakev1.SubmitReportRequest) { r.Content.Wish = "OLD" }, []string{"content.wish EXPIRED_CODE"}},
		{"sense", func(r *intakev1.SubmitReportRequest) {
			r.Content.Anonymous, r.Content.NoticeVersion = true, "2026\x00"
			r.Content.Consents = append(r.Content.Consents, &intakev1.Consent{Code: "C_WORK", Status: "REFUSED"})
		}, []string{"content.contact.name ANONYMOUS_WITH_NAME", "content.notice_version BAD_FORMAT", "content.consents[2].code DUPLICATE_CONSENT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			request := submission(told())
			c.spoil(request)
			_, err := client.SubmitReport(t.Context(), request)
			refused(t, err, fault.InvalidRequest, c.fields...)
			for _, text := range secretsOf(told()) {
				if strings.Contains(err.Error(), text) {
					t.Errorf("the refusal repeats %q", text)
				}
			}
		})
	}
}

// Ensure an anonymous report keeps its day and nothing finer, wherever its time is shown.
func TestSubmitReport_Anonymous(t *testing.T) {
	t.Parallel()
	w := open(t)
	content := told()
	content.Anonymous, content.Contact = true, nil
	answer := submit(t, w.system(t), content)
	got, err := w.person(t, "cremona", "operator").GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: answer.GetReportId()})
	if err != nil {
		t.Fatal(err)
	}
	year, month, date := morning.In(tz.Rome).Date()
	day := time.Date(year, month, date, 0, 0, 0, 0, tz.Rome)
	for name, at := range map[string]time.Time{
		"answer": answer.GetReceivedAt().AsTime(), "report": got.GetReport().GetReceivedAt().AsTime(), "history": got.GetReport().GetHistory()[0].GetAt().AsTime(),
	} {
		if !at.Equal(day) {
			t.Errorf("%s: %s, want %s", name, at, day)
		}
	}
	if all := dump(t, w.pool, "cremona"); strings.Contains(all, "09:41") || strings.Contains(all, "10:41") {
		t.Error("the database knows the minute")
	}
}

// Ensure that for the people of another node a report does not exist.
func TestReports_OfAnotherNode(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := submit(t, w.system(t), told()).GetReportId()
	other := w.person(t, "mantova", "coordinator")
	_, err := other.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
	refused(t, err, fault.NotFound)
	_, err = other.TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: id, Version: 1})
	refused(t, err, fault.NotFound)
	if page, err := other.ListReports(t.Context(), &intakev1.ListReportsRequest{}); err != nil || len(page.GetReports()) != 0 {
		t.Errorf("%v, %v", page, err)
	}
	// Ensure a node that is not served here is told so.
	_, err = w.person(t, "milano", "operator").GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: id})
	refused(t, err, fault.WrongNode)
}

func TestListReports(t *testing.T) {
	t.Parallel()
	w := open(t)
	system, operator := w.system(t), w.person(t, "cremona", "operator")
	var want []string
	for range 5 {
		want = append([]string{submit(t, system, told()).GetReportId()}, want...)
	}
	var got []string
	for token := "first"; token != ""; {
		page, err := operator.ListReports(t.Context(), &intakev1.ListReportsRequest{PageSize: 2, PageToken: strings.TrimPrefix(token, "first")})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.GetReports() {
			got = append(got, r.GetReportId())
			if r.GetContent().GetNarrative() != "" || r.GetContent().GetContact() != nil || r.GetContent().GetIncidentDate() != nil {
				t.Error("a list holds what was told")
			}
		}
		token = page.GetNextPageToken()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Ensure a token leads on in its own list only.
	page, err := operator.ListReports(t.Context(), &intakev1.ListReportsRequest{PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	received := intakev1.ReportState_REPORT_STATE_RECEIVED
	_, err = operator.ListReports(t.Context(), &intakev1.ListReportsRequest{State: received, PageToken: page.GetNextPageToken()})
	refused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	_, err = w.person(t, "mantova", "operator").ListReports(t.Context(), &intakev1.ListReportsRequest{PageToken: page.GetNextPageToken()})
	refused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
}

// Ensure who takes a report in charge while case management is away is told to try again, and that the same request then
// leads to the case.
func TestTakeInCharge(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := submit(t, w.system(t), told()).GetReportId()
	operator := w.person(t, "cremona", "operator")
	request := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: id, Version: 1}

	w.cases.away.Store(true)
	_, err := operator.TakeInCharge(t.Context(), request)
	refused(t, err, fault.Unavailable)
	handing, err := operator.ListReports(t.Context(), &intakev1.ListReportsRequest{State: intakev1.ReportState_REPORT_STATE_HANDING_OVER})
	if err != nil || len(handing.GetReports()) != 1 {
		t.Errorf("%v, %v", handing, err)
	}

	w.cases.away.Store(false)
	for range 2 {
		got, err := operator.TakeInCharge(t.Context(), request)
		if r := got.GetReport(); err != nil || !got.GetReplayed() || r.GetState() != intakev1.ReportState_REPORT_STATE_TAKEN_IN_CHARGE ||
			r.GetCaseId() != caseID || r.GetCaseNumber() != "CR-F-2026-000001" || r.GetVersion() != 3 {
			t.Errorf("%v, %v", got, err)
		}
	}
	_, err = operator.TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: id, Version: 1})
	refused(t, err, fault.WrongVersion)
	_, err = w.system(t).TakeInCharge(t.Context(), request)
	refused(t, err, fault.NoToken)
}
