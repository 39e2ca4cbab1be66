package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/reason"
	"github.com/retepari/pari/services/intake/internal/report"
)

var (
	cremona  = tenant.ID{Region: "lombardia", Node: "cremona"}
	now      = time.Date(2026, 11, 23, 9, 41, 27, 123, time.UTC)
	operator = report.Actor{Person: "anna", Tenant: cremona, System: "console"}
)

func receive(c report.CodedContent) *report.Report {
	return report.Receive("1", "CR-2026-000001", cremona, c, operator, now)
}

// Ensure only the day is stored with a report, and its minute with the personal content of one that is not anonymous.
func TestReceive_TruncatesTheTime(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC) // midnight in Italy
	for _, c := range []struct {
		anonymous bool
		minute    time.Time
	}{
		{false, time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC)},
		{true, time.Time{}},
	} {
		r := receive(report.CodedContent{Anonymous: c.anonymous})
		if at := r.UnsavedHistory()[0].At; !r.ReceivedAt.Equal(day) || !at.Equal(day) {
			t.Errorf("anonymous %t: received at %s, recorded at %s", c.anonymous, r.ReceivedAt, at)
		}
		if person := r.UnsavedHistory()[0].By.Person; (person == "") != c.anonymous {
			t.Errorf("anonymous %t: written down by %q", c.anonymous, person)
		}
		var p report.PersonalContent
		if p.SetReceivedAt(r.CodedContent, now); !p.ReceivedAt.Equal(c.minute) {
			t.Errorf("anonymous %t: the personal content has %s", c.anonymous, p.ReceivedAt)
		}
	}
}

// Ensure a count is corrected and withdrawn with the right version only, and is final once withdrawn.
func TestReport_ChangeCount(t *testing.T) {
	t.Parallel()
	r := receive(report.CodedContent{Channel: "PHONE", ReporterRole: "VICTIM"})
	right := report.Correction{Channel: "DESK", ReporterRole: "WITNESS"}
	correct := func(version int64) error { return r.CorrectCount(version, right, operator, now) }
	withdraw := func(version int64) error { return r.WithdrawCount(version, operator, now) }
	for i, c := range []struct {
		err  error
		want fault.Reason
	}{
		{correct(2), fault.WrongVersion}, {withdraw(0), fault.WrongVersion}, {correct(1), ""}, {withdraw(2), ""},
		{correct(3), fault.ForbiddenMove}, {withdraw(3), fault.ForbiddenMove},
	} {
		if fault.ReasonOf(c.err) != c.want || (c.err == nil) != (c.want == "") {
			t.Errorf("step %d: got %v, want %q", i, c.err, c.want)
		}
	}
	got := report.Correction{Channel: r.CodedContent.Channel, ReporterRole: r.CodedContent.ReporterRole}
	if got != right || !r.Withdrawn || r.Version != 3 || r.State != report.Received {
		t.Errorf("got %+v", r)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	named := report.PersonalContent{Contact: &report.Contact{Name: "Anna"}}
	phone := report.PersonalContent{Contact: &report.Contact{Phone: "1"}}
	consents := []report.Consent{
		{Code: "C_WORK", Status: "GIVEN"}, {Code: "C_UNAR", Status: "GIVEN"}, {Code: "C_WORK", Status: "REFUSED"},
	}
	for _, c := range []struct {
		name     string
		coded    report.CodedContent
		personal report.PersonalContent
		want     []fault.Field
	}{
		{"named", report.CodedContent{}, named, nil},
		{"anonymous with a telephone only", report.CodedContent{Anonymous: true}, phone, nil},
		{"anonymous without contact", report.CodedContent{Anonymous: true}, report.PersonalContent{}, nil},
		{"anonymous with a name", report.CodedContent{Anonymous: true}, named,
			[]fault.Field{{Path: "content.contact.name", Reason: reason.AnonymousWithName}}},
		{"duplicate consent", report.CodedContent{Consents: consents}, named,
			[]fault.Field{{Path: "content.consents[2].code", Reason: reason.DuplicateConsent}}},
	} {
		if diff := cmp.Diff(c.want, report.Validate(c.coded, c.personal)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestReport_Handover(t *testing.T) {
	t.Parallel()
	r := receive(report.CodedContent{})
	if err := r.StartHandover(2, operator, now); !fault.Is(err, fault.WrongVersion) {
		t.Errorf("start at a wrong version: %v", err)
	}
	for _, caseID := range []string{"c", ""} {
		if err := r.CompleteHandover(caseID, "n", operator, now); !fault.Is(err, fault.ForbiddenMove) {
			t.Errorf("complete with case %q before start: %v", caseID, err)
		}
	}
	if err := r.StartHandover(1, operator, now); err != nil {
		t.Fatal(err)
	}
	if err := r.StartHandover(2, operator, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("start twice: %v", err)
	}
	for range 2 {
		err := r.CompleteHandover("c", "n", operator, now)
		if err != nil || r.State != report.TakenInCharge || r.Version != 3 {
			t.Errorf("%v, state %s, version %d", err, r.State, r.Version)
		}
	}
	if err := r.CompleteHandover("other", "n", operator, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("complete with a second case: %v", err)
	}
	if err := r.ReopenHandover(operator, now); err != nil || r.State != report.HandingOver || r.CaseID != "" ||
		r.CaseNumber != "" || r.Version != 4 {
		t.Errorf("reopened as %+v, %v", r, err)
	}
	if err := r.ReopenHandover(operator, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("reopen twice: %v", err)
	}
	if err := r.CompleteHandover("other", "n", operator, now); err != nil || r.CaseID != "other" {
		t.Errorf("complete with another case: %+v, %v", r, err)
	}
}

// Ensure that after any sequence of calls versions have no gaps, the history ends in the current state, and the case
// does not change.
func TestReport_AnySequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := receive(report.CodedContent{})
		caseID := ""
		for _, step := range rapid.SliceOf(rapid.IntRange(0, 3)).Draw(t, "steps") {
			switch step {
			case 0:
				_ = r.StartHandover(r.Version, operator, now)
			case 1:
				_ = r.StartHandover(r.Version-1, operator, now)
			default:
				_ = r.CompleteHandover([]string{"a", "b"}[step-2], "n", operator, now)
			}
			if caseID != "" && r.CaseID != caseID {
				t.Fatal("the case changed")
			}
			caseID = r.CaseID
			history := r.UnsavedHistory()
			for i, h := range history {
				if h.Version != int64(i+1) {
					t.Fatalf("entry %d has version %d", i, h.Version)
				}
			}
			if last := history[len(history)-1]; last.To != r.State || last.Version != r.Version {
				t.Fatalf("history ends with %+v, the report is %s at version %d", last, r.State, r.Version)
			}
		}
	})
}
