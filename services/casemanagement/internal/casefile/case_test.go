package casefile_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/reason"
)

var (
	now    = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	worker = casefile.Actor{Person: "ugo", Node: "cremona", System: "console"}
)

func open() *casefile.Case {
	return casefile.Open(casefile.Opening{ID: "c", Number: "CR-C-2026-000001", Node: "cremona", Pseudonym: "p", ReportID: "r", Received: casefile.Month{Year: 2026, Month: 11}}, worker, now)
}

func finding(sensitivity string) casefile.Assessment {
	return casefile.Assessment{Verdict: "PERTINENT_LEGAL", Grounds: []string{"AGE_OLD", "SEX"}, MainGround: "SEX", Type: "DIRECT", Field: "POLICE", Sensitivity: sensitivity}
}

func inCharge(t *testing.T, sensitivity string) *casefile.Case {
	t.Helper()
	c := open()
	if err := c.Assess(1, finding(sensitivity), casefile.CourseInCharge, worker, now); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCase_Assess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		course casefile.Course
		spoil  func(*casefile.Case, *casefile.Assessment) int64
		reason fault.Reason
		state  casefile.State
	}{
		{"takes a pertinent case in charge", casefile.CourseInCharge, nil, "", casefile.TakenInCharge},
		{"lets go what is not pertinent", casefile.CourseNotPertinent, nil, "", casefile.NotPertinent},
		{"lets go what is another's", casefile.CourseOutOfCompetence, nil, "", casefile.OutOfCompetence},
		{"refuses a main ground that is not listed", casefile.CourseInCharge, func(_ *casefile.Case, a *casefile.Assessment) int64 { a.MainGround = "DISABILITY"; return 1 }, fault.InvalidRequest, casefile.InAssessment},
		{"refuses another version", casefile.CourseInCharge, func(*casefile.Case, *casefile.Assessment) int64 { return 7 }, fault.WrongVersion, casefile.InAssessment},
		{"refuses an unknown course", "NOWHERE", nil, fault.ForbiddenMove, casefile.InAssessment},
	} {
		file, a, version := open(), finding("S3"), int64(1)
		if c.spoil != nil {
			version = c.spoil(file, &a)
		}
		err := file.Assess(version, a, c.course, worker, now)
		if fault.ReasonOf(err) != c.reason || file.State != c.state {
			t.Errorf("%s: %v, state %s", c.name, err, file.State)
		}
		if c.reason != "" && (len(file.Changes()) != 1 || len(file.Events()) != 1 || file.Assessment != nil) {
			t.Errorf("%s: something was recorded", c.name)
		}
	}
}

// Ensure a correction moves nothing.
func TestCase_AssessAgain(t *testing.T) {
	t.Parallel()
	c := inCharge(t, "S3")
	again := finding("S3")
	again.MainGround = "AGE_OLD"
	if err := c.Assess(2, again, casefile.CourseNotPertinent, worker, now); err != nil || c.State != casefile.TakenInCharge || c.Assessment.MainGround != "AGE_OLD" {
		t.Errorf("%v, state %s, %+v", err, c.State, c.Assessment)
	}
}

func TestCase_Act(t *testing.T) {
	t.Parallel()
	c := inCharge(t, "S3")
	for i := range 2 {
		if err := c.Act(int64(2+i), casefile.Action{Code: "LETTER"}, worker, now); err != nil || c.State != casefile.InAction {
			t.Errorf("%v, state %s", err, c.State)
		}
	}
	if len(c.NewActions()) != 2 || c.NewActions()[0].By != worker {
		t.Errorf("actions %+v", c.NewActions())
	}
	if err := open().Act(1, casefile.Action{}, worker, now); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("before it is assessed: %v", err)
	}
}

func TestCase_Close(t *testing.T) {
	t.Parallel()
	if err := open().Close(1, casefile.Closing{Outcome: "INFORMED"}, worker, now); !fault.Is(err, reason.NotAssessed) {
		t.Errorf("before it is assessed: %v", err)
	}
	c := inCharge(t, "S3")
	if err := c.Close(2, casefile.Closing{Outcome: "CONCILIATED"}, worker, now); err != nil || c.State != casefile.Closed || c.ClosedAt == nil {
		t.Fatalf("%v, state %s", err, c.State)
	}
	for name, try := range map[string]func() error{
		"close":  func() error { return c.Close(3, casefile.Closing{}, worker, now) },
		"act":    func() error { return c.Act(3, casefile.Action{}, worker, now) },
		"assess": func() error { return c.Assess(3, finding("S3"), casefile.CourseInCharge, worker, now) },
	} {
		if err := try(); !fault.Is(err, fault.ForbiddenMove) {
			t.Errorf("%s a closed case: %v", name, err)
		}
	}
}

// Ensure the centre learns of a sealed case that it exists and that it ended, and nothing else.
func TestCase_SealedTellsNothing(t *testing.T) {
	t.Parallel()
	c := inCharge(t, casefile.Sealed)
	_ = c.Act(2, casefile.Action{Code: "REFERRAL", ReferralTarget: "ANTITRAFFICKING"}, worker, now)
	_ = c.Close(3, casefile.Closing{Outcome: "REFERRED_ACCEPTED"}, worker, now)
	var kinds []casefile.EventKind
	for _, e := range c.Events()[1:] {
		kinds = append(kinds, e.Kind)
		if !e.Sealed {
			t.Errorf("%s is not sealed", e.Kind)
		}
	}
	if len(kinds) != 2 || kinds[0] != casefile.EventClassified || kinds[1] != casefile.EventClosed {
		t.Errorf("told %v", kinds)
	}
}

// Ensure that whatever is tried in whatever order: versions and event numbers have no gaps, history tells the state, every
// move is one of the table, and what is closed stays closed.
func TestCase_AnySequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := open()
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 30).Draw(t, "steps") {
			from, before := c.State, c.Before
			version := c.Version - int64(rapid.IntRange(0, 9).Draw(t, "stale")/9)
			sensitivity := rapid.SampledFrom([]string{"S3", "S4"}).Draw(t, "sensitivity")
			switch step {
			case 0, 1:
				_ = c.Assess(version, finding(sensitivity), rapid.SampledFrom([]casefile.Course{casefile.CourseInCharge, casefile.CourseNotPertinent, casefile.CourseOutOfCompetence}).Draw(t, "course"), worker, now)
			case 2, 3, 4:
				_ = c.Act(version, casefile.Action{Code: "LETTER"}, worker, now)
			case 5:
				_ = c.Close(version, casefile.Closing{Outcome: "APOLOGY"}, worker, now)
			}
			if c.State != from && !casefile.May(from, c.State, before) {
				t.Fatalf("moved from %s to %s", from, c.State)
			}
			if from == casefile.Closed && c.State != casefile.Closed {
				t.Fatal("a closed case moved")
			}
		}
		for i, change := range c.Changes() {
			if change.Version != int64(i+1) {
				t.Fatalf("version %d at %d", change.Version, i)
			}
			if i > 0 && change.From != c.Changes()[i-1].To {
				t.Fatalf("history jumps from %s to %s", c.Changes()[i-1].To, change.From)
			}
		}
		for i, e := range c.Events() {
			if e.Seq != int64(i+1) {
				t.Fatalf("event %d at %d", e.Seq, i)
			}
		}
		if last := c.Changes()[len(c.Changes())-1]; last.To != c.State || last.Version != c.Version {
			t.Fatalf("history ends at %+v, case at %s", last, c.State)
		}
	})
}
