package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/number"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tz"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/reason"
)

func TestSubmitReport(t *testing.T) {
	t.Parallel()
	e := setup(t)
	resp := submit(t, e.system(t, cremona), newContent())
	if _, ok := seal.ParseReceipt(resp.GetReceiptCode()); !ok {
		t.Errorf("receipt %q does not parse", resp.GetReceiptCode())
	}
	n, err := number.Parse(resp.GetNumber())
	if err != nil || n.Prefix != "CR" || n.Year != 2026 || resp.GetReplayed() {
		t.Errorf("got %v, %v", resp, err)
	}
	if at := resp.GetReceivedAt().AsTime(); !at.Equal(dayOf(now)) {
		t.Errorf("received at %s", at)
	}
	if n, events := e.wakeups.Load(), e.count(t, "outbox"); n != 1 || events != 1 {
		t.Errorf("the relay was woken %d times for %d events, want 1 and 1", n, events)
	}
}

// Ensure neither database contains personal content or the receipt in readable form, and that content cannot be opened
// once its key is destroyed.
func TestSubmitReport_SealsPersonalContent(t *testing.T) {
	t.Parallel()
	e := setup(t)
	resp := submit(t, e.system(t, cremona), newContent())
	all := dump(t, e.pool, cremona) + dump(t, e.keyPool, cremona)
	encodedChannel := string([]byte{0x12, 5}) + "PHONE" // a field of the event
	if !strings.Contains(all, "PHONE") || !contains(all, encodedChannel) {
		t.Fatal("the dump lacks the report or its event")
	}
	for _, text := range append(personalTexts(newContent()), resp.GetReceiptCode()) {
		if contains(all, text) {
			t.Errorf("%q is readable", text)
		}
	}

	keyID := e.dataKey(t)
	if err := e.keys.Destroy(t.Context(), cremona, keyID); err != nil {
		t.Fatal(err)
	}
	req := &intakev1.GetReportRequest{ReportId: resp.GetReportId(), View: full}
	_, err := e.person(t, cremona, "operator").GetReport(t.Context(), req)
	checkRefused(t, err, fault.NotFound)
}

// Ensure who holds both databases opens nothing without the key-encryption key of the node.
func TestSubmitReport_BothDatabasesAreStolen(t *testing.T) {
	t.Parallel()
	e := setup(t)
	submit(t, e.system(t, cremona), newContent())
	keyID, other := e.dataKey(t), filepath.Join(t.TempDir(), "kek.json")
	if err := devkeys.CreateKEK(other); err != nil {
		t.Fatal(err)
	}
	for file, opens := range map[string]bool{e.kekFile: true, other: false} {
		keys, err := seal.OpenKeyStore(e.keyPool, files(file), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Get(t.Context(), cremona, keyID); (err == nil) != opens {
			t.Errorf("opens %t, want %t: %v", err == nil, opens, err)
		}
	}
}

// Ensure a repeated request gets the same answer and is stored once, also when eight copies are concurrent.
func TestSubmitReport_Replayed(t *testing.T) {
	t.Parallel()
	e := setupFor(t, cremona) // several tenants have few calls at the same time
	client, req := e.system(t, cremona), submitRequest(newContent())
	first, err := client.SubmitReport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.SubmitReport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := proto.CloneOf(first)
	want.Replayed = true
	if diff := cmp.Diff(want, second, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}

	concurrent := submitRequest(newContent())
	results := make(chan string, 8)
	for range cap(results) {
		go func() {
			resp, err := client.SubmitReport(t.Context(), concurrent)
			results <- fmt.Sprint(resp.GetReportId(), resp.GetNumber(), resp.GetReceiptCode(), err)
		}()
	}
	one := <-results
	for range cap(results) - 1 {
		if other := <-results; other != one {
			t.Errorf("got %s and %s", one, other)
		}
	}
	if reports, events := e.count(t, "report"), e.count(t, "outbox"); reports != 2 || events != 2 {
		t.Errorf("%d reports and %d events, want 2 and 2", reports, events)
	}

	e.keyPool.Close()
	for range 300 { // more than the keys in memory: a repeated request uses up none
		if resp, err := client.SubmitReport(t.Context(), req); err != nil || !resp.GetReplayed() {
			t.Fatalf("got %v, %v", resp, err)
		}
	}
}

// Ensure a repeated request is answered by a process that has not seen it before, also without any data key, and that
// one which says that it is repeated uses up none.
func TestSubmitReport_ReplayedElsewhere(t *testing.T) {
	t.Parallel()
	e := setupFor(t, cremona)
	req := submitRequest(newContent())
	if _, err := e.system(t, cremona).SubmitReport(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	elsewhere := func() intakev1.IntakeServiceClient {
		return intakev1.NewIntakeServiceClient(e.replica().As(t, portal(cremona), ""))
	}
	replay := func(ctx context.Context, client intakev1.IntakeServiceClient, req *intakev1.SubmitReportRequest) {
		t.Helper()
		if resp, err := client.SubmitReport(ctx, req); err != nil || !resp.GetReplayed() {
			t.Fatalf("got %v, %v", resp, err)
		}
	}
	replay(t.Context(), elsewhere(), req)
	e.keyPool.Close()
	dated := proto.CloneOf(req)
	dated.FirstSentAt = timestamppb.New(now)
	attempt := metadata.AppendToOutgoingContext(t.Context(), "grpc-previous-rpc-attempts", "1")
	client := elsewhere()
	for range 100 { // together more than the keys in memory
		replay(t.Context(), client, dated)
		replay(attempt, client, req)
	}
	if _, err := client.SubmitReport(t.Context(), submitRequest(newContent())); err != nil {
		t.Errorf("the data keys are used up: %v", err)
	}
	for err := error(nil); err == nil; { // until they are
		_, err = client.SubmitReport(t.Context(), submitRequest(newContent()))
	}
	replay(t.Context(), elsewhere(), req)
}

// Ensure a request id is stored nowhere: one that is made from the time would tell it.
func TestSubmitReport_StoresNoRequestID(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id, err := uuid.NewUUID() // of the time and the network card
	if err != nil {
		t.Fatal(err)
	}
	req := &intakev1.SubmitReportRequest{RequestId: id.String(), Content: newContent()}
	if _, err := e.system(t, cremona).SubmitReport(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	all := dump(t, e.pool, cremona) + dump(t, e.keyPool, cremona)
	if contains(all, id.String()) || contains(all, string(id[:])) {
		t.Error("the database holds the request id")
	}
}

func TestSubmitReport_RequestIDReused(t *testing.T) {
	t.Parallel()
	e := setup(t)
	client, req := e.system(t, cremona), submitRequest(newContent())
	if _, err := client.SubmitReport(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	req.Content.Narrative += " E poi altro."
	_, err := client.SubmitReport(t.Context(), req)
	checkRefused(t, err, fault.RequestIDReused)
	otherMethod := &intakev1.TakeInChargeRequest{RequestId: req.GetRequestId(), ReportId: uuid.NewString(), Version: 1}
	_, err = e.person(t, cremona, "operator").TakeInCharge(t.Context(), otherMethod)
	checkRefused(t, err, fault.RequestIDReused)
	if n := e.count(t, "report"); n != 1 {
		t.Errorf("%d reports, want 1", n)
	}
	// Ensure another node may use the same request id.
	if _, err := e.person(t, mantova, "operator").SubmitReport(t.Context(), req); err != nil {
		t.Error(err)
	}
}

func TestSubmitReport_ValidateOnly(t *testing.T) {
	t.Parallel()
	e := setup(t)
	req := submitRequest(newContent())
	req.ValidateOnly = true
	resp, err := e.system(t, cremona).SubmitReport(t.Context(), req)
	if diff := cmp.Diff(&intakev1.SubmitReportResponse{}, resp, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	for _, table := range []string{"report", "idempotency_key", "outbox", "anonymous_count"} {
		if n := e.count(t, table); n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	// Ensure the request id may then be used to submit.
	req.ValidateOnly = false
	if _, err := e.system(t, cremona).SubmitReport(t.Context(), req); err != nil {
		t.Error(err)
	}
	// Ensure the id is then refused for another report, as by a submission, and accepted for this one.
	req.ValidateOnly = true
	if resp, err := e.system(t, cremona).SubmitReport(t.Context(), req); err != nil || proto.Size(resp) != 0 {
		t.Errorf("the report that was submitted: %v, %v", resp, err)
	}
	other := proto.CloneOf(req)
	other.Content.Narrative = "Un'altra storia."
	_, err = e.system(t, cremona).SubmitReport(t.Context(), other)
	checkRefused(t, err, fault.RequestIDReused)
	// Ensure violations are returned as by a submission.
	req.ValidateOnly, req.Content.Narrative = true, ""
	_, err = e.system(t, cremona).SubmitReport(t.Context(), req)
	checkRefused(t, err, fault.InvalidRequest, "content.narrative REQUIRED")
}

// Ensure all violations are returned at once, each with the path of its field and without the field's value.
func TestSubmitReport_Invalid(t *testing.T) {
	t.Parallel()
	e := setup(t)
	client := e.system(t, cremona)
	for _, c := range []struct {
		name   string
		modify func(*intakev1.SubmitReportRequest)
		fields []string
	}{
		{"no fields", func(r *intakev1.SubmitReportRequest) { proto.Reset(r) }, []string{
			"request_id BAD_UUID", "content REQUIRED",
		}},
		{"no content", func(r *intakev1.SubmitReportRequest) { r.Content = &intakev1.ReportContent{} }, []string{
			"content.channel REQUIRED", "content.reporter_role REQUIRED", "content.grounds TOO_FEW",
			"content.wish REQUIRED", "content.incident_place REQUIRED", "content.narrative REQUIRED",
			"content.notice_version REQUIRED",
		}},
		{"shape and codes", func(r *intakev1.SubmitReportRequest) {
			r.RequestId = "1"
			r.Content = &intakev1.ReportContent{
				Channel: "phone", ReporterRole: strings.Repeat("X", 41), Grounds: []string{"SEX", "RACE", "SEX"},
				Wish: "HELP", IncidentPlace: "999999",
				IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 2, Day: 30},
				Narrative:    strings.Repeat("è", 20001), Language: "Italian!", NoticeVersion: "2026-01",
				Contact:  &intakev1.Contact{Phone: "x", Email: "x"},
				Consents: []*intakev1.Consent{{Code: "C_WORK", Status: "MAYBE"}},
			}
		}, []string{
			"request_id BAD_UUID", "content.reporter_role TOO_LONG", "content.grounds NOT_UNIQUE",
			"content.incident_date IMPOSSIBLE_DATE", "content.narrative TOO_LONG", "content.contact.phone BAD_FORMAT",
			"content.contact.email BAD_EMAIL", "content.language BAD_FORMAT", "content.channel UNKNOWN_CODE",
			"content.grounds[1] UNKNOWN_CODE", "content.incident_place UNKNOWN_CODE",
			"content.consents[0].status UNKNOWN_CODE",
		}},
		{"expired code", func(r *intakev1.SubmitReportRequest) { r.Content.Wish = "OLD" }, []string{
			"content.wish EXPIRED_CODE",
		}},
		{"rules between fields", func(r *intakev1.SubmitReportRequest) {
			r.Content.Anonymous, r.Content.NoticeVersion = true, "2026\x00"
			r.Content.Consents = append(r.Content.Consents, &intakev1.Consent{Code: "C_WORK", Status: "REFUSED"})
		}, []string{
			"content.notice_version BAD_FORMAT", "content.contact.name ANONYMOUS_WITH_NAME",
			"content.consents[2].code DUPLICATE_CONSENT",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := submitRequest(newContent())
			c.modify(req)
			_, err := client.SubmitReport(t.Context(), req)
			checkRefused(t, err, fault.InvalidRequest, c.fields...)
			for _, text := range personalTexts(newContent()) {
				if strings.Contains(err.Error(), text) {
					t.Errorf("the error contains %q", text)
				}
			}
		})
	}
}

// dayOf returns the begin of a day in Italy.
func dayOf(at time.Time) time.Time {
	year, month, day := at.In(tz.Rome).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, tz.Rome)
}

// Ensure only the day of an anonymous report is stored, and every time returned is that day.
func TestSubmitReport_Anonymous(t *testing.T) {
	t.Parallel()
	e := setup(t)
	content := newContent()
	content.Anonymous, content.Contact = true, nil
	submitted := submit(t, e.system(t, cremona), content)
	req := &intakev1.GetReportRequest{ReportId: submitted.GetReportId(), View: full}
	got, err := e.person(t, cremona, "operator").GetReport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	day := dayOf(now)
	if events, waiting := e.count(t, "outbox"), e.count(t, "anonymous_count"); events != 0 || waiting != 1 {
		t.Errorf("%d events, %d counts wait; want 0 and 1", events, waiting)
	}
	r := got.GetReport()
	for name, at := range map[string]time.Time{
		"response": submitted.GetReceivedAt().AsTime(), "report": r.GetReceivedAt().AsTime(),
		"history": r.GetHistory()[0].GetAt().AsTime(),
	} {
		if !at.Equal(day) {
			t.Errorf("%s: %s, want %s", name, at, day)
		}
	}
	if r.GetExactReceivedAt() != nil {
		t.Errorf("exact time %s", r.GetExactReceivedAt())
	}
	// The access by the operator has its own time.
	all := strings.ReplaceAll(dump(t, e.pool, cremona), submitted.GetReportId()+`,"2026-11-23 09:41:27`, "")
	if strings.Contains(all, "09:41") || strings.Contains(all, "10:41") {
		t.Error("the database contains the minute")
	}
}

// Ensure a program learns the states of its own submissions, in the order of its question, and nothing else: it can
// neither read nor list reports.
func TestGetSubmissionStates(t *testing.T) {
	t.Parallel()
	e := setup(t)
	portal, desk := e.system(t, cremona), e.person(t, cremona, "operator")
	first, second, byDesk := submitRequest(newContent()), submitRequest(newContent()), submitRequest(newContent())
	numbers := map[string]string{}
	for req, client := range map[*intakev1.SubmitReportRequest]intakev1.IntakeServiceClient{
		first: portal, second: portal, byDesk: desk,
	} {
		resp, err := client.SubmitReport(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		numbers[req.GetRequestId()] = resp.GetNumber()
		if req == second {
			_, err := desk.TakeInCharge(t.Context(), &intakev1.TakeInChargeRequest{
				RequestId: uuid.NewString(), ReportId: resp.GetReportId(), Version: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	state := func(req *intakev1.SubmitReportRequest, s intakev1.ReportState) *intakev1.SubmissionState {
		return &intakev1.SubmissionState{
			RequestId: req.GetRequestId(), State: s, Number: numbers[req.GetRequestId()],
		}
	}
	ids := []string{second.GetRequestId(), uuid.NewString(), byDesk.GetRequestId(), first.GetRequestId()}
	got, err := portal.GetSubmissionStates(t.Context(), &intakev1.GetSubmissionStatesRequest{RequestIds: ids})
	if err != nil {
		t.Fatal(err)
	}
	want := &intakev1.GetSubmissionStatesResponse{Submissions: []*intakev1.SubmissionState{
		state(second, intakev1.ReportState_REPORT_STATE_TAKEN_IN_CHARGE),
		state(first, intakev1.ReportState_REPORT_STATE_RECEIVED),
	}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	_, err = portal.ListReports(t.Context(), &intakev1.ListReportsRequest{})
	checkRefused(t, err, fault.NotAllowed)
	other, err := e.person(t, mantova, "submitter").GetSubmissionStates(t.Context(),
		&intakev1.GetSubmissionStatesRequest{RequestIds: ids})
	if err != nil || len(other.GetSubmissions()) != 0 {
		t.Errorf("another node got %v, %v", other, err)
	}
}

// Ensure a retry that comes after its request id may have been forgotten is refused with a reason of its own, and one
// whose answer is still stored is answered.
func TestSubmitReport_LateRetry(t *testing.T) {
	t.Parallel()
	e := setup(t)
	client := e.system(t, cremona)
	for age, want := range map[time.Duration]fault.Reason{
		idempotency.Retention: "", idempotency.Retention + time.Second: reason.RequestIDExpired,
	} {
		req := submitRequest(newContent())
		req.FirstSentAt = timestamppb.New(now.Add(-age))
		req.ValidateOnly = true
		if _, err := client.SubmitReport(t.Context(), req); fault.ReasonOf(fault.FromStatus(err)) != want {
			t.Errorf("first sent %s ago, only checked: %v", age, err)
		}
		req.ValidateOnly = false
		if _, err := client.SubmitReport(t.Context(), req); fault.ReasonOf(fault.FromStatus(err)) != want {
			t.Errorf("first sent %s ago: %v", age, err)
		}
	}
	if n := e.count(t, "report"); n != 1 {
		t.Errorf("%d reports", n)
	}
}

// Ensure a retry that arrives after its request id was purged is told so, and stores nothing.
func TestSubmitReport_AfterThePurge(t *testing.T) {
	t.Parallel()
	e := setup(t)
	client, req := e.system(t, cremona), submitRequest(newContent())
	if _, err := client.SubmitReport(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	later := now.Add(idempotency.Retention + 48*time.Hour)
	if n, err := idempotency.Purge(t.Context(), e.pool, cremona, later); n != 1 || err != nil {
		t.Fatalf("%d request ids were purged, %v", n, err)
	}
	for _, validateOnly := range []bool{true, false} {
		req.ValidateOnly = validateOnly
		_, err := client.SubmitReport(t.Context(), req)
		if got := fault.ReasonOf(fault.FromStatus(err)); got != reason.RequestIDExpired {
			t.Errorf("only checked %t: %v", validateOnly, err)
		}
	}
	if n := e.count(t, "report"); n != 1 {
		t.Errorf("%d reports", n)
	}
}
