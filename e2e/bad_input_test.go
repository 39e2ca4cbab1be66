package e2e_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// report returns a request that every node accepts; tests spoil it.
func report() *intakev1.SubmitReportRequest {
	return &intakev1.SubmitReportRequest{
		RequestId: uuid.NewString(),
		Content: &intakev1.ReportContent{
			Channel: "WEB_FORM", ReporterRole: "WITNESS", Anonymous: false, Grounds: []string{"SKIN_COLOUR"}, Wish: "HELP",
			IncidentDate:  &recordv1.PartialDate{Year: 2026, Month: 2, Day: 27},
			IncidentPlace: "019036", Narrative: "Al bar non ci hanno serviti.",
			Contact:       &intakev1.Contact{Name: "Anna Rossi", Phone: "0372 000000", Email: "anna@example.it"},
			NoticeVersion: "2026-01", Consents: []*intakev1.Consent{{Code: "C_CONTACT", Status: "GIVEN"}},
		},
	}
}

// refusal is what a caller reads from an error: code, reason, and for each field its reason, with a text in each language.
type refusal struct {
	code   codes.Code
	reason string
	fields map[string]string
}

// refused reads the refusal and checks what every refusal must have: the domain, an English and an Italian text, for the
// whole and for each field.
func refused(t *testing.T, err error) refusal {
	t.Helper()
	if err == nil {
		t.Fatal("was accepted")
	}
	st := status.Convert(err)
	r := refusal{code: st.Code(), fields: map[string]string{}}
	var italian string
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			r.reason = d.GetReason()
			if d.GetDomain() != "pari" {
				t.Errorf("domain is %q", d.GetDomain())
			}
		case *errdetails.LocalizedMessage:
			if strings.HasPrefix(d.GetLocale(), "it") {
				italian = d.GetMessage()
			}
		case *errdetails.BadRequest:
			for _, f := range d.GetFieldViolations() {
				r.fields[f.GetField()] = f.GetReason()
				if f.GetDescription() == "" || f.GetLocalizedMessage().GetMessage() == "" {
					t.Errorf("field %s has no text in both languages", f.GetField())
				}
			}
		}
	}
	if st.Message() == "" || italian == "" {
		t.Errorf("no text in both languages: %q, %q", st.Message(), italian)
	}
	return r
}

// Ensure each kind of bad report gets one precise refusal with everything that is wrong with it, and leaves no trace.
func TestBadInput_Report(t *testing.T) { // alone: it counts what is stored
	n := everyones(t)
	client := n.Intake(t, "cremona", system("protocollo"))
	count := func() int { return len(n.Reports(t, "cremona")) }
	before := count()

	type fields = map[string]string
	tomorrow := time.Now().AddDate(0, 0, 2)
	for _, c := range []struct {
		name   string
		spoil  func(*intakev1.SubmitReportRequest)
		code   codes.Code
		reason string
		fields fields
	}{
		{"no request id", func(r *intakev1.SubmitReportRequest) { r.RequestId = "" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"request_id": "BAD_UUID"}},
		{"request id is no UUID", func(r *intakev1.SubmitReportRequest) { r.RequestId = "42" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"request_id": "BAD_UUID"}},
		{"no content", func(r *intakev1.SubmitReportRequest) { r.Content = nil }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content": "REQUIRED"}},
		{"unknown code", func(r *intakev1.SubmitReportRequest) { r.Content.Channel = "PIGEON" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.channel": "UNKNOWN_CODE"}},
		{"unknown code in a list", func(r *intakev1.SubmitReportRequest) { r.Content.Grounds = []string{"AGE_OLD", "BLUE_EYES"} }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.grounds[1]": "UNKNOWN_CODE"}},
		{"code written small", func(r *intakev1.SubmitReportRequest) { r.Content.Wish = "help" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.wish": "UNKNOWN_CODE"}},
		{"place that does not exist", func(r *intakev1.SubmitReportRequest) { r.Content.IncidentPlace = "999999" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.incident_place": "UNKNOWN_CODE"}},
		{"30 February", func(r *intakev1.SubmitReportRequest) {
			r.Content.IncidentDate = &recordv1.PartialDate{Year: 2026, Month: 2, Day: 30}
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.incident_date": "IMPOSSIBLE_DATE"}},
		{"29 February of a common year", func(r *intakev1.SubmitReportRequest) {
			r.Content.IncidentDate = &recordv1.PartialDate{Year: 2025, Month: 2, Day: 29}
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.incident_date": "IMPOSSIBLE_DATE"}},
		{"month 13", func(r *intakev1.SubmitReportRequest) {
			r.Content.IncidentDate = &recordv1.PartialDate{Year: 2025, Month: 13}
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.incident_date.month": "OUT_OF_RANGE"}},
		{"day without month", func(r *intakev1.SubmitReportRequest) {
			r.Content.IncidentDate = &recordv1.PartialDate{Year: 2025, Day: 3}
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.incident_date": "INCOMPLETE_DATE"}},
		{"future", func(r *intakev1.SubmitReportRequest) {
			r.Content.IncidentDate = &recordv1.PartialDate{Year: int32(tomorrow.Year()), Month: int32(tomorrow.Month()), Day: int32(tomorrow.Day())}
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.incident_date": "FUTURE_DATE"}},
		{"no grounds", func(r *intakev1.SubmitReportRequest) { r.Content.Grounds = nil }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.grounds": "TOO_FEW"}},
		{"a ground twice", func(r *intakev1.SubmitReportRequest) { r.Content.Grounds = []string{"SEX", "SEX"} }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.grounds": "NOT_UNIQUE"}},
		{"no narrative", func(r *intakev1.SubmitReportRequest) { r.Content.Narrative = "" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.narrative": "REQUIRED"}},
		{"long narrative", func(r *intakev1.SubmitReportRequest) { r.Content.Narrative = strings.Repeat("a", 20_001) }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.narrative": "TOO_LONG"}},
		{"e-mail that is none", func(r *intakev1.SubmitReportRequest) { r.Content.Contact.Email = "anna at example" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.contact.email": "BAD_EMAIL"}},
		{"telephone with letters", func(r *intakev1.SubmitReportRequest) { r.Content.Contact.Phone = "chiamare Anna" }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.contact.phone": "BAD_FORMAT"}},
		{"anonymous with a name", func(r *intakev1.SubmitReportRequest) { r.Content.Anonymous = true }, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.contact.name": "ANONYMOUS_WITH_NAME"}},
		{"a consent twice", func(r *intakev1.SubmitReportRequest) {
			r.Content.Consents = append(r.Content.Consents, &intakev1.Consent{Code: "C_CONTACT", Status: "REFUSED"})
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{"content.consents[1].code": "DUPLICATE_CONSENT"}},
		{"over 64 KiB", func(r *intakev1.SubmitReportRequest) { r.Content.Narrative = strings.Repeat("a", 65_537) }, codes.ResourceExhausted, "MESSAGE_TOO_LARGE", fields{}},
		{"everything at once", func(r *intakev1.SubmitReportRequest) {
			r.RequestId, r.Content.Channel, r.Content.Grounds, r.Content.Narrative = "x", "PIGEON", nil, ""
			r.Content.IncidentDate, r.Content.Anonymous = &recordv1.PartialDate{Year: 2026, Month: 2, Day: 30}, true
		}, codes.InvalidArgument, "INVALID_REQUEST", fields{
			"request_id": "BAD_UUID", "content.channel": "UNKNOWN_CODE", "content.grounds": "TOO_FEW",
			"content.narrative": "REQUIRED", "content.incident_date": "IMPOSSIBLE_DATE", "content.contact.name": "ANONYMOUS_WITH_NAME",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := report()
			c.spoil(req)
			_, err := client.SubmitReport(context.Background(), req)
			got := refused(t, err)
			if got.code != c.code || got.reason != c.reason || !maps.Equal(got.fields, c.fields) {
				t.Errorf("got  %v %s %v\nwant %v %s %v", got.code, got.reason, got.fields, c.code, c.reason, c.fields)
			}
			checked := proto.CloneOf(req)
			checked.ValidateOnly = true
			if _, err := client.SubmitReport(context.Background(), checked); status.Code(err) != c.code {
				t.Errorf("validate_only says %v", status.Code(err))
			}
		})
	}
	if after := count(); after != before {
		t.Errorf("%d reports were stored", after-before)
	}
}

// Ensure a request id stands for one body.
func TestBadInput_ReusedRequestID(t *testing.T) {
	t.Parallel()
	client := everyones(t).Intake(t, "cremona", system("protocollo"))
	req := report()
	first, err := client.SubmitReport(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.SubmitReport(context.Background(), req)
	if err != nil || !again.GetReplayed() || again.GetNumber() != first.GetNumber() || again.GetReceiptCode() != first.GetReceiptCode() {
		t.Errorf("the same body got %v, %v; want %v again", again, err, first.GetNumber())
	}
	req.Content.Narrative = "Un'altra storia."
	_, err = client.SubmitReport(context.Background(), req)
	if got := refused(t, err); got.code != codes.AlreadyExists || got.reason != "REQUEST_ID_REUSED" {
		t.Errorf("got %v", got)
	}
}

// Ensure a caller who is not who they should be gets one precise refusal.
func TestBadInput_Caller(t *testing.T) {
	t.Parallel()
	n := everyones(t)
	for _, c := range []struct {
		name   string
		as     caller
		code   codes.Code
		reason string
	}{
		{"no certificate", caller{cert: "none"}, codes.Unauthenticated, "NO_CERTIFICATE"},
		{"expired certificate", caller{cert: "expired"}, codes.Unauthenticated, "BAD_CERTIFICATE"},
		{"certificate of another authority", caller{cert: "foreign"}, codes.Unauthenticated, "BAD_CERTIFICATE"},
		{"certificate of another node", caller{node: "cuneo", system: "protocollo"}, codes.PermissionDenied, "WRONG_NODE"},
		{"system without a grant", system("console"), codes.PermissionDenied, "NOT_ALLOWED"},
		{"token that is none", caller{system: "console", token: "abc"}, codes.Unauthenticated, "BAD_TOKEN"},
		{"person of another node", caller{system: "console", persona: "operator-cuneo"}, codes.PermissionDenied, "WRONG_NODE"},
		{"person of the centre", caller{system: "console", persona: "analyst"}, codes.PermissionDenied, "WRONG_NODE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := n.Intake(t, "cremona", c.as).SubmitReport(context.Background(), report())
			if got := refused(t, err); got.code != c.code || got.reason != c.reason {
				t.Errorf("got %v %s, want %v %s", got.code, got.reason, c.code, c.reason)
			}
		})
	}
}

// Ensure a report of one node does not exist for another, and a wrong version or move is named.
func TestBadInput_Changes(t *testing.T) {
	t.Parallel()
	n := everyones(t)
	ctx := context.Background()
	stored, err := n.Intake(t, "cremona", system("protocollo")).SubmitReport(ctx, report())
	if err != nil {
		t.Fatal(err)
	}
	operator := n.Intake(t, "cremona", person("operator-cremona"))
	_, err = n.Intake(t, "cuneo", person("operator-cuneo")).GetReport(ctx, &intakev1.GetReportRequest{ReportId: stored.GetReportId()})
	if got := refused(t, err); got.reason != "NOT_FOUND" {
		t.Errorf("another node sees %v", got)
	}
	_, err = operator.TakeInCharge(ctx, &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: stored.GetReportId(), Version: 9})
	if got := refused(t, err); got.code != codes.Aborted || got.reason != "WRONG_VERSION" {
		t.Errorf("wrong version: %v", got)
	}
	taken, err := operator.TakeInCharge(ctx, &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: stored.GetReportId(), Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = operator.TakeInCharge(ctx, &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: stored.GetReportId(), Version: taken.GetReport().GetVersion()})
	if got := refused(t, err); got.code != codes.FailedPrecondition || got.reason != "FORBIDDEN_MOVE" {
		t.Errorf("taken twice: %v", got)
	}
	if !slices.ContainsFunc(n.Cases(t, "cremona"), func(c *casemanagementv1.Case) bool { return c.GetNumber() == taken.GetReport().GetCaseNumber() }) {
		t.Errorf("case %s is not there", taken.GetReport().GetCaseNumber())
	}
}
