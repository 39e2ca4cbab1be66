package casefile_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

var (
	now     = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	cremona = tenant.ID{Region: "lombardia", Node: "cremona"}
	worker  = casefile.Actor{Person: "ugo", Tenant: cremona, System: "console"}
)

func openCase() *casefile.Case {
	return casefile.Open(casefile.OpenParams{
		ID: "c", Number: "CR-C-2026-000001", Tenant: cremona, Pseudonym: "p", ReportID: "r",
		Received: casefile.Month{Year: 2026, Month: 11},
	}, worker, now)
}

func newAssessment(sensitivity string) casefile.Assessment {
	return casefile.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"AGE_OLD", "SEX"}, MainGround: "SEX", Type: "DIRECT",
		Field: "POLICE", Sensitivity: sensitivity,
	}
}

// caseInCharge returns a case in TAKEN_IN_CHARGE, at version 2.
func caseInCharge(t *testing.T, sensitivity string) *casefile.Case {
	t.Helper()
	c := openCase()
	if err := c.Assess(1, newAssessment(sensitivity), casefile.DispositionInCharge, worker, now); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCase_Assess(t *testing.T) {
	t.Parallel()
	valid := newAssessment("S3")
	unlisted, unstated := valid, valid
	unlisted.MainGround, unstated.MainGround = "DISABILITY", ""
	for _, tc := range []struct {
		name        string
		version     int64
		assessment  casefile.Assessment
		disposition casefile.Disposition
		reason      fault.Reason
		state       casefile.State
	}{
		{"in charge", 1, valid, casefile.DispositionInCharge, "", casefile.TakenInCharge},
		{"not pertinent", 1, valid, casefile.DispositionNotPertinent, "", casefile.NotPertinent},
		{"out of competence", 1, valid, casefile.DispositionOutOfCompetence, "", casefile.OutOfCompetence},
		{"no main ground", 1, unstated, casefile.DispositionNotPertinent, "", casefile.NotPertinent},
		{"unlisted ground", 1, unlisted, casefile.DispositionInCharge, fault.InvalidRequest, casefile.InAssessment},
		{"wrong version", 7, valid, casefile.DispositionInCharge, fault.WrongVersion, casefile.InAssessment},
		{"unknown disposition", 1, valid, "NOWHERE", fault.ForbiddenMove, casefile.InAssessment},
	} {
		c := openCase()
		err := c.Assess(tc.version, tc.assessment, tc.disposition, worker, now)
		if fault.ReasonOf(err) != tc.reason || c.State != tc.state {
			t.Errorf("%s: %v, state %s", tc.name, err, c.State)
		}
		changed := len(c.UnsavedHistory()) != 1 || len(c.UnsavedEvents()) != 1 || c.Assessment != nil
		if tc.reason != "" && changed {
			t.Errorf("%s: a refused assessment changed the case", tc.name)
		}
	}
}

// Ensure a correction keeps the state.
func TestCase_Assess_Correction(t *testing.T) {
	t.Parallel()
	c := caseInCharge(t, "S3")
	corrected := newAssessment("S3")
	corrected.MainGround = "AGE_OLD"
	err := c.Assess(2, corrected, casefile.DispositionNotPertinent, worker, now)
	if err != nil || c.State != casefile.TakenInCharge || c.Assessment.MainGround != "AGE_OLD" {
		t.Errorf("%v, state %s, %+v", err, c.State, c.Assessment)
	}
}

func TestCase_RecordAction(t *testing.T) {
	t.Parallel()
	c := caseInCharge(t, "S3")
	for i := range 2 {
		err := c.RecordAction(int64(2+i), casefile.Action{Code: "LETTER"}, worker, now)
		if err != nil || c.State != casefile.InAction {
			t.Errorf("%v, state %s", err, c.State)
		}
	}
	if actions := c.UnsavedActions(); len(actions) != 2 || actions[0].By != worker {
		t.Errorf("actions %+v", actions)
	}
	if err := openCase().RecordAction(1, casefile.Action{}, worker, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("before assessment: %v", err)
	}
}

func TestCase_Close(t *testing.T) {
	t.Parallel()
	err := openCase().Close(1, casefile.Closing{Outcome: "INFORMED"}, worker, now)
	if !fault.Is(err, reason.NotAssessed) {
		t.Errorf("before assessment: %v", err)
	}
	transferred := openCase()
	transferred.State = casefile.Transferred
	err = transferred.Close(1, casefile.Closing{Outcome: "INFORMED"}, worker, now)
	if !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("after a transfer: %v", err)
	}
	c := caseInCharge(t, "S3")
	err = c.Close(2, casefile.Closing{Outcome: "CONCILIATED"}, worker, now)
	if err != nil || c.State != casefile.Closed || c.ClosedAt == nil {
		t.Fatalf("%v, state %s", err, c.State)
	}
	for name, call := range map[string]func() error{
		"close":         func() error { return c.Close(3, casefile.Closing{}, worker, now) },
		"record action": func() error { return c.RecordAction(3, casefile.Action{}, worker, now) },
		"assess": func() error {
			return c.Assess(3, newAssessment("S3"), casefile.DispositionInCharge, worker, now)
		},
	} {
		if err := call(); !fault.Is(err, fault.ForbiddenMove) {
			t.Errorf("%s after closing: %v", name, err)
		}
	}
}

// Ensure the events of a restricted case are restricted, and that its actions have none.
func TestCase_RestrictedCaseEvents(t *testing.T) {
	t.Parallel()
	for sensitivity, want := range map[string][]casefile.EventKind{
		casefile.SensitivityRestricted: {casefile.EventAssessed, casefile.EventClosed},
		"S3":                           {casefile.EventAssessed, casefile.EventActionRecorded, casefile.EventClosed},
	} {
		c := caseInCharge(t, sensitivity)
		_ = c.RecordAction(2, casefile.Action{Code: "REFERRAL", ReferralTarget: "ANTITRAFFICKING"}, worker, now)
		_ = c.Close(3, casefile.Closing{Outcome: "REFERRED_ACCEPTED"}, worker, now)
		var kinds []casefile.EventKind
		for _, e := range c.UnsavedEvents()[1:] {
			kinds = append(kinds, e.Kind)
			if e.Restricted != (sensitivity == casefile.SensitivityRestricted) {
				t.Errorf("%s: %s is restricted: %t", sensitivity, e.Kind, e.Restricted)
			}
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("%s: events %v, want %v", sensitivity, kinds, want)
		}
	}
}

// Ensure that after any sequence of calls versions and event numbers have no gaps, the history ends in the current
// state, each transition is allowed, and a closed case stays closed.
func TestCase_AnySequence(t *testing.T) {
	t.Parallel()
	dispositions := rapid.SampledFrom([]casefile.Disposition{
		casefile.DispositionInCharge, casefile.DispositionNotPertinent, casefile.DispositionOutOfCompetence,
	})
	rapid.Check(t, func(t *rapid.T) {
		c := openCase()
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 30).Draw(t, "steps") {
			from, previous := c.State, c.PreviousState
			version := c.Version - int64(rapid.IntRange(0, 9).Draw(t, "stale")/9)
			sensitivity := rapid.SampledFrom([]string{"S3", "S4"}).Draw(t, "sensitivity")
			switch step {
			case 0, 1:
				d := dispositions.Draw(t, "disposition")
				_ = c.Assess(version, newAssessment(sensitivity), d, worker, now)
			case 2, 3, 4:
				_ = c.RecordAction(version, casefile.Action{Code: "LETTER"}, worker, now)
			case 5:
				_ = c.Close(version, casefile.Closing{Outcome: "APOLOGY"}, worker, now)
			}
			if c.State != from && !casefile.CanTransition(from, c.State, previous) {
				t.Fatalf("forbidden transition from %s to %s", from, c.State)
			}
			if from == casefile.Closed && c.State != casefile.Closed {
				t.Fatal("a closed case changed its state")
			}
		}
		checkSequences(t, c)
	})
}

// checkSequences checks the history and the events of a case that was never stored.
func checkSequences(t *rapid.T, c *casefile.Case) {
	history := c.UnsavedHistory()
	for i, h := range history {
		if h.Version != int64(i+1) {
			t.Fatalf("entry %d has version %d", i, h.Version)
		}
		if i > 0 && h.From != history[i-1].To {
			t.Fatalf("an entry to %s is followed by one from %s", history[i-1].To, h.From)
		}
	}
	if last := history[len(history)-1]; last.To != c.State || last.Version != c.Version {
		t.Fatalf("history ends with %+v, the case is %s at version %d", last, c.State, c.Version)
	}
	for i, e := range c.UnsavedEvents() {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Seq)
		}
	}
}
