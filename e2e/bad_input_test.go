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

type submitRequest = intakev1.SubmitReportRequest

// report returns a valid request with a new request id.
func report() *submitRequest {
	return &submitRequest{
		RequestId: uuid.NewString(),
		Content: &intakev1.ReportContent{
			Channel: "WEB_FORM", ReporterRole: "WITNESS", Anonymous: false, Grounds: []string{"SKIN_COLOUR"},
			Wish: "HELP", IncidentDate: date(2026, 2, 27), IncidentPlace: "019036",
			Narrative:     "Al bar non ci hanno serviti.",
			Contact:       &intakev1.Contact{Name: "Anna Rossi", Phone: "0372 000000", Email: "anna@example.it"},
			NoticeVersion: "2026-01", Consents: []*intakev1.Consent{{Code: "C_CONTACT", Status: "GIVEN"}},
		},
	}
}

func date(year, month, day int) *recordv1.PartialDate {
	return &recordv1.PartialDate{Year: int32(year), Month: int32(month), Day: int32(day)}
}

// refusal is an error as a client sees it: gRPC code, reason, and the reason of each invalid field.
type refusal struct {
	code   codes.Code
	reason string
	fields map[string]string
}

func (r refusal) equal(other refusal) bool {
	return r.code == other.code && r.reason == other.reason && maps.Equal(r.fields, other.fields)
}

// invalid returns the refusal of a request with invalid fields, given as path and reason in turns.
func invalid(pathsAndReasons ...string) refusal {
	r := refusal{code: codes.InvalidArgument, reason: "INVALID_REQUEST", fields: map[string]string{}}
	for pair := range slices.Chunk(pathsAndReasons, 2) {
		r.fields[pair[0]] = pair[1]
	}
	return r
}

// parseRefusal parses an error. It also checks that every refusal has the domain, and that message and fields have an
// English and an Italian text.
func parseRefusal(t *testing.T, err error) refusal {
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

// badReport is an invalid report and its refusal.
type badReport struct {
	name   string
	mutate func(*submitRequest)
	want   refusal
}

func badReports() []badReport {
	const incidentDate = "content.incident_date"
	tomorrow := time.Now().AddDate(0, 0, 2)
	return []badReport{
		{"no request id", func(r *submitRequest) { r.RequestId = "" }, invalid("request_id", "BAD_UUID")},
		{"request id is not a UUID", func(r *submitRequest) { r.RequestId = "42" }, invalid("request_id", "BAD_UUID")},
		{"no content", func(r *submitRequest) { r.Content = nil }, invalid("content", "REQUIRED")},
		{"unknown code", func(r *submitRequest) { r.Content.Channel = "PIGEON" },
			invalid("content.channel", "UNKNOWN_CODE")},
		{"unknown code in a list", func(r *submitRequest) { r.Content.Grounds = []string{"AGE_OLD", "BLUE_EYES"} },
			invalid("content.grounds[1]", "UNKNOWN_CODE")},
		{"code in lower case", func(r *submitRequest) { r.Content.Wish = "help" },
			invalid("content.wish", "UNKNOWN_CODE")},
		{"unknown place", func(r *submitRequest) { r.Content.IncidentPlace = "999999" },
			invalid("content.incident_place", "UNKNOWN_CODE")},
		{"30 February", func(r *submitRequest) { r.Content.IncidentDate = date(2026, 2, 30) },
			invalid(incidentDate, "IMPOSSIBLE_DATE")},
		{"29 February of a common year", func(r *submitRequest) { r.Content.IncidentDate = date(2025, 2, 29) },
			invalid(incidentDate, "IMPOSSIBLE_DATE")},
		{"month 13", func(r *submitRequest) { r.Content.IncidentDate = date(2025, 13, 0) },
			invalid(incidentDate+".month", "OUT_OF_RANGE")},
		{"day without month", func(r *submitRequest) { r.Content.IncidentDate = date(2025, 0, 3) },
			invalid(incidentDate, "INCOMPLETE_DATE")},
		{"future", func(r *submitRequest) {
			r.Content.IncidentDate = date(tomorrow.Year(), int(tomorrow.Month()), tomorrow.Day())
		}, invalid(incidentDate, "FUTURE_DATE")},
		{"no grounds", func(r *submitRequest) { r.Content.Grounds = nil }, invalid("content.grounds", "TOO_FEW")},
		{"duplicate ground", func(r *submitRequest) { r.Content.Grounds = []string{"SEX", "SEX"} },
			invalid("content.grounds", "NOT_UNIQUE")},
		{"no narrative", func(r *submitRequest) { r.Content.Narrative = "" },
			invalid("content.narrative", "REQUIRED")},
		{"long narrative", func(r *submitRequest) { r.Content.Narrative = strings.Repeat("a", 20_001) },
			invalid("content.narrative", "TOO_LONG")},
		{"invalid e-mail", func(r *submitRequest) { r.Content.Contact.Email = "anna at example" },
			invalid("content.contact.email", "BAD_EMAIL")},
		{"phone with letters", func(r *submitRequest) { r.Content.Contact.Phone = "chiamare Anna" },
			invalid("content.contact.phone", "BAD_FORMAT")},
		{"anonymous with a name", func(r *submitRequest) { r.Content.Anonymous = true },
			invalid("content.contact.name", "ANONYMOUS_WITH_NAME")},
		{"duplicate consent", func(r *submitRequest) {
			r.Content.Consents = append(r.Content.Consents, &intakev1.Consent{Code: "C_CONTACT", Status: "REFUSED"})
		}, invalid("content.consents[1].code", "DUPLICATE_CONSENT")},
		{"over 128 KiB", func(r *submitRequest) { r.Content.Narrative = strings.Repeat("a", 131_073) },
			refusal{code: codes.ResourceExhausted, reason: "MESSAGE_TOO_LARGE"}},
		{"everything at once", func(r *submitRequest) {
			r.RequestId, r.Content.Channel, r.Content.Grounds, r.Content.Narrative = "x", "PIGEON", nil, ""
			r.Content.IncidentDate, r.Content.Anonymous = date(2026, 2, 30), true
		}, invalid(
			"request_id", "BAD_UUID", "content.channel", "UNKNOWN_CODE", "content.grounds", "TOO_FEW",
			"content.narrative", "REQUIRED", incidentDate, "IMPOSSIBLE_DATE",
			"content.contact.name", "ANONYMOUS_WITH_NAME",
		)},
	}
}

// Ensure that each invalid report gets one precise refusal that names all invalid fields, and that nothing is stored.
// The test is not parallel because it counts the stored reports of the shared cluster.
func TestBadInput_Report(t *testing.T) {
	h := sharedHarness(t)
	intake := h.Intake(t, "cremona", system("protocollo"))
	before := len(h.ListReports(t, "cremona"))
	for _, c := range badReports() {
		t.Run(c.name, func(t *testing.T) {
			req := report()
			c.mutate(req)
			_, err := intake.SubmitReport(context.Background(), req)
			if got := parseRefusal(t, err); !got.equal(c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
			validateOnly := proto.CloneOf(req)
			validateOnly.ValidateOnly = true
			_, err = intake.SubmitReport(context.Background(), validateOnly)
			if status.Code(err) != c.want.code {
				t.Errorf("validate_only returns %v", status.Code(err))
			}
		})
	}
	if after := len(h.ListReports(t, "cremona")); after != before {
		t.Errorf("%d reports were stored", after-before)
	}
}

// Ensure that the same request gets the same response, and that another body with the same request id is refused.
func TestBadInput_ReusedRequestID(t *testing.T) {
	t.Parallel()
	intake := sharedHarness(t).Intake(t, "cremona", system("protocollo"))
	req := report()
	first, err := intake.SubmitReport(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := intake.SubmitReport(context.Background(), req)
	if err != nil || !second.GetReplayed() || second.GetNumber() != first.GetNumber() ||
		second.GetReceiptCode() != first.GetReceiptCode() {
		t.Errorf("the same body got %v, %v; want %v again", second, err, first.GetNumber())
	}
	req.Content.Narrative = "Un'altra storia."
	_, err = intake.SubmitReport(context.Background(), req)
	if got := parseRefusal(t, err); got.code != codes.AlreadyExists || got.reason != "REQUEST_ID_REUSED" {
		t.Errorf("got %v", got)
	}
}

// Ensure that a caller without the right identity gets one precise refusal.
func TestBadInput_Caller(t *testing.T) {
	t.Parallel()
	h := sharedHarness(t)
	for _, c := range []struct {
		name   string
		as     caller
		code   codes.Code
		reason string
	}{
		{"no certificate", caller{badCert: "none"}, codes.Unauthenticated, "NO_CERTIFICATE"},
		{"expired certificate", caller{badCert: "expired"}, codes.Unauthenticated, "BAD_CERTIFICATE"},
		{"certificate of another authority", caller{badCert: "foreign"}, codes.Unauthenticated, "BAD_CERTIFICATE"},
		{"certificate of another node", caller{node: "cuneo", system: "protocollo"},
			codes.PermissionDenied, "WRONG_NODE"},
		{"system without a grant", system("console"), codes.PermissionDenied, "NOT_ALLOWED"},
		{"malformed token", caller{system: "console", token: "abc"}, codes.Unauthenticated, "BAD_TOKEN"},
		{"person of another node", person("operator-cuneo"), codes.PermissionDenied, "WRONG_NODE"},
		{"person of the centre", person("analyst"), codes.PermissionDenied, "WRONG_NODE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := h.Intake(t, "cremona", c.as).SubmitReport(context.Background(), report())
			if got := parseRefusal(t, err); got.code != c.code || got.reason != c.reason {
				t.Errorf("got %v %s, want %v %s", got.code, got.reason, c.code, c.reason)
			}
		})
	}
}

// Ensure that a report does not exist for another node, and that a wrong version and a forbidden transition are
// refused.
func TestBadInput_Changes(t *testing.T) {
	t.Parallel()
	h := sharedHarness(t)
	ctx := context.Background()
	stored, err := h.Intake(t, "cremona", system("protocollo")).SubmitReport(ctx, report())
	if err != nil {
		t.Fatal(err)
	}
	operator := h.Intake(t, "cremona", person("operator-cremona"))
	otherNode := h.Intake(t, "cuneo", person("operator-cuneo"))
	_, err = otherNode.GetReport(ctx, &intakev1.GetReportRequest{ReportId: stored.GetReportId()})
	if got := parseRefusal(t, err); got.reason != "NOT_FOUND" {
		t.Errorf("another node gets %v", got)
	}
	take := func(version int64) (*intakev1.TakeInChargeResponse, error) {
		return operator.TakeInCharge(ctx, &intakev1.TakeInChargeRequest{
			RequestId: uuid.NewString(), ReportId: stored.GetReportId(), Version: version,
		})
	}
	_, err = take(9)
	if got := parseRefusal(t, err); got.code != codes.Aborted || got.reason != "WRONG_VERSION" {
		t.Errorf("wrong version: %v", got)
	}
	taken, err := take(1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = take(taken.GetReport().GetVersion())
	if got := parseRefusal(t, err); got.code != codes.FailedPrecondition || got.reason != "FORBIDDEN_MOVE" {
		t.Errorf("taken twice: %v", got)
	}
	hasNumber := func(c *casemanagementv1.Case) bool { return c.GetNumber() == taken.GetReport().GetCaseNumber() }
	if !slices.ContainsFunc(h.ListCases(t, "cremona"), hasNumber) {
		t.Errorf("case %s is not stored", taken.GetReport().GetCaseNumber())
	}
}
