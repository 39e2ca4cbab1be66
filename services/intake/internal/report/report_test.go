package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/intake/internal/reason"
	"github.com/retepari/pari/services/intake/internal/report"
)

var (
	now  = time.Date(2026, 11, 23, 9, 41, 27, 123, time.UTC)
	desk = report.Actor{Person: "anna", Node: "cremona", System: "console"}
)

func TestReceive_CutsTheTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		anonymous bool
		want      time.Time
	}{
		{false, time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC)},
		{true, time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)}, // when the day begins in Italy,
	} {
		r := report.Receive("1", "CR-2026-000001", "cremona", report.Codes{Anonymous: c.anonymous}, desk, now)
		if !r.ReceivedAt.Equal(c.want) || !r.Changes()[0].At.Equal(c.want) {
			t.Errorf("anonymous %t: received at %s, recorded at %s", c.anonymous, r.ReceivedAt, r.Changes()[0].At)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	named := report.Told{Contact: &report.Contact{Name: "Anna"}}
	for _, c := range []struct {
		name  string
		codes report.Codes
		told  report.Told
		want  []fault.Field
	}{
		{"named", report.Codes{}, named, nil},
		{"anonymous with a telephone only", report.Codes{Anonymous: true}, report.Told{Contact: &report.Contact{Phone: "1"}}, nil},
		{"anonymous with a name", report.Codes{Anonymous: true}, named, []fault.Field{{Path: "content.contact.name", Reason: reason.AnonymousWithName}}},
		{"a notice that no database keeps", report.Codes{NoticeVersion: "2026\x00"}, named, []fault.Field{{Path: "content.notice_version", Reason: fault.BadFormat}}},
		{"a consent twice", report.Codes{Consents: []report.Consent{{Code: "C_WORK", Status: "GIVEN"}, {Code: "C_UNAR", Status: "GIVEN"}, {Code: "C_WORK", Status: "REFUSED"}}}, named,
			[]fault.Field{{Path: "content.consents[2].code", Reason: reason.DuplicateConsent}}},
	} {
		if diff := cmp.Diff(c.want, report.Check(c.codes, c.told)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestReport_HandOver(t *testing.T) {
	t.Parallel()
	fresh := func() *report.Report { return report.Receive("1", "n", "cremona", report.Codes{}, desk, now) }
	r := fresh()
	if err := r.HandOver(2, desk, now); !fault.Is(err, fault.WrongVersion) {
		t.Errorf("wrong version: %v", err)
	}
	if err := r.HandedOver("c", "n", desk, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("a case before the decision: %v", err)
	}
	if err := r.HandOver(1, desk, now); err != nil {
		t.Fatal(err)
	}
	if err := r.HandOver(2, desk, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("twice: %v", err)
	}
	for range 2 {
		if err := r.HandedOver("c", "n", desk, now); err != nil || r.State != report.TakenInCharge || r.Version != 3 {
			t.Errorf("%v, state %s, version %d", err, r.State, r.Version)
		}
	}
	if err := r.HandedOver("other", "n", desk, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("a second case: %v", err)
	}
}

// Ensure that whatever is tried in whatever order, versions have no gaps, history tells the state, and a case stays.
func TestReport_AnySequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := report.Receive("1", "n", "cremona", report.Codes{}, desk, now)
		caseID := ""
		for _, step := range rapid.SliceOf(rapid.IntRange(0, 3)).Draw(t, "steps") {
			switch step {
			case 0:
				_ = r.HandOver(r.Version, desk, now)
			case 1:
				_ = r.HandOver(r.Version-1, desk, now)
			default:
				_ = r.HandedOver([]string{"a", "b"}[step-2], "n", desk, now)
			}
			if caseID != "" && r.CaseID != caseID {
				t.Fatal("the case changed")
			}
			caseID = r.CaseID
			for i, c := range r.Changes() {
				if c.Version != int64(i+1) {
					t.Fatalf("version %d at %d", c.Version, i)
				}
			}
			if last := r.Changes()[len(r.Changes())-1]; last.To != r.State || last.Version != r.Version {
				t.Fatalf("history ends at %+v, report at %s %d", last, r.State, r.Version)
			}
		}
	})
}
