package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	now    = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)
	worker = casefile.Actor{Person: "ugo", Node: "cremona", System: "console"}
)

// tell writes an event as its kind alone.
func tell(c *casefile.Case, e casefile.Event) (outbox.Event, error) {
	return outbox.Event{Node: c.Node, Type: "it.pari.case.told.v1", Aggregate: c.Pseudonym, AggregateSeq: e.Seq, Data: []byte(e.Kind)}, nil
}

func open(t *testing.T) (*store.Cases, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t, "casemanagement", store.Migrate).Pool(t)
	return store.New(pool, tell), pool
}

// opening is a new case for a report, unlike any other.
func opening(node, reportID string) *casefile.Case {
	id := uuid.NewString()
	return casefile.Open(casefile.Opening{
		ID: id, Number: "N-" + id, Node: node, Pseudonym: uuid.NewString(), ReportID: reportID,
		Received: casefile.Month{Year: 2026, Month: 11}, Channel: "PHONE", ReporterRole: "VICTIM",
	}, worker, now)
}

func opened(t *testing.T, cases *store.Cases, node string) *casefile.Case {
	t.Helper()
	c, replayed, err := cases.Open(t.Context(), opening(node, uuid.NewString()), uuid.New())
	if err != nil || replayed {
		t.Fatalf("replayed %t, %v", replayed, err)
	}
	return c
}

// asked is a new request that says body.
func asked(body string) idempotency.Request {
	return idempotency.Request{ID: uuid.NewString(), Method: "Change", BodyHash: []byte(body)}
}

type decision = func(*casefile.Case, uuid.UUID) error

func assess(version int64, mainGround, sensitivity string) decision {
	return func(c *casefile.Case, _ uuid.UUID) error {
		return c.Assess(version, casefile.Assessment{
			Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: mainGround, Type: "DIRECT", Flags: []string{"MULTIPLE"}, Field: "WORK",
			AuthorKinds: []string{"COMPANY"}, IncidentMonth: &casefile.Month{Year: 2026, Month: 10}, EventPlace: "019036", Residence: "ND", Sensitivity: sensitivity,
		}, casefile.CourseInCharge, worker, now)
	}
}

func act(version int64, note string) decision {
	return func(c *casefile.Case, _ uuid.UUID) error {
		action := casefile.Action{ID: uuid.NewString(), Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 45, SealedNote: []byte(note)}
		return c.Act(version, action, worker, now)
	}
}

func closeCase(version int64) decision {
	return func(c *casefile.Case, _ uuid.UUID) error {
		closing := casefile.Closing{Outcome: "REMOVED", Secondary: []string{"INFORMED"}, PersonInformed: true, SealedNote: []byte("sealed")}
		return c.Close(version, closing, worker, now)
	}
}

// change makes one change of a case of Cremona that must not fail.
func change(t *testing.T, cases *store.Cases, id string, decide decision) *casefile.Case {
	t.Helper()
	c, replayed, err := cases.Change(t.Context(), "cremona", id, asked("x"), now, false, decide)
	if err != nil || replayed {
		t.Fatalf("replayed %t, %v", replayed, err)
	}
	return c
}

func get(t *testing.T, cases *store.Cases, id string) store.File {
	t.Helper()
	f, err := cases.Get(t.Context(), "cremona", id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// all collects the first column of a query on the rows of a node.
func all[T any](t *testing.T, pool *pgxpool.Pool, node, query string) (found []T) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, node, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[T])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// rows counts what a node has in each table that a change writes to.
func rows(t *testing.T, pool *pgxpool.Pool, node string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"case_file", "case_report", "assessment", "action", "case_history", "idempotency_key", "outbox"} {
		counts[table] = all[int](t, pool, node, `select count(*) from `+table)[0]
	}
	return counts
}

// Ensure a case comes back whole, with all that was done.
func TestGet_ReturnsTheCaseWhole(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opening("cremona", uuid.NewString())
	key := uuid.New()
	if _, _, err := cases.Open(t.Context(), c, key); err != nil {
		t.Fatal(err)
	}
	same := cmpopts.IgnoreUnexported(casefile.Case{})
	var history []casefile.Change
	var actions []casefile.Action
	for _, decide := range []decision{nil, assess(1, "SEX", "S2"), act(2, "one"), act(3, ""), closeCase(4)} {
		if decide != nil {
			c = change(t, cases, c.ID, decide)
		}
		history, actions = append(history, c.Changes()...), append(actions, c.NewActions()...)
		got := get(t, cases, c.ID)
		if diff := cmp.Diff(store.File{Case: c, KeyID: key, Actions: actions, History: history}, got, same, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
	want := map[string]int{"case_file": 1, "case_report": 1, "assessment": 1, "action": 2, "case_history": 5, "idempotency_key": 4, "outbox": 5}
	if diff := cmp.Diff(want, rows(t, pool, "cremona")); diff != "" {
		t.Error(diff)
	}
}

// Ensure whatever part of a change is broken, nothing of it is left.
func TestChange_AllOrNothing(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	other := change(t, cases, opened(t, cases, "cremona").ID, assess(1, "SEX", "S2"))
	before := rows(t, pool, "cremona")
	broken := errors.New("broken")
	for name, spoil := range map[string]func(*outbox.Event) error{
		"an event that cannot be written": func(*outbox.Event) error { return broken },
		"an event that cannot be sent":    func(e *outbox.Event) error { e.Type = "told"; return nil },
		"an event that was there":         func(e *outbox.Event) error { e.Aggregate = other.Pseudonym; return nil },
		"an event of another node":        func(e *outbox.Event) error { e.Node = "cuneo"; return nil },
	} {
		s := store.New(pool, func(c *casefile.Case, e casefile.Event) (outbox.Event, error) {
			event, _ := tell(c, e)
			err := spoil(&event)
			return event, err
		})
		if _, _, err := s.Change(t.Context(), "cremona", c.ID, asked("x"), now, false, assess(1, "SEX", "S2")); err == nil {
			t.Errorf("%s: was stored", name)
		}
		if _, _, err := s.Open(t.Context(), opening("cremona", uuid.NewString()), uuid.New()); err == nil {
			t.Errorf("%s: was opened", name)
		}
	}
	if _, _, err := cases.Change(t.Context(), "cremona", c.ID, asked("x"), now, false, func(*casefile.Case, uuid.UUID) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a decision that fails: %v", err)
	}
	if diff := cmp.Diff(before, rows(t, pool, "cremona")); diff != "" {
		t.Error(diff)
	}
	if f := get(t, cases, c.ID); f.Case.Version != 1 || f.Case.EventSeq != 1 || f.Case.Assessment != nil {
		t.Errorf("left %+v", f.Case)
	}
}

// Ensure a check decides as the change itself would, and stores nothing.
func TestChange_CheckStoresNothing(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	before := rows(t, pool, "cremona")
	request := asked("x")
	got, _, err := cases.Change(t.Context(), "cremona", c.ID, request, now, true, assess(1, "SEX", "S2"))
	if err != nil || got.State != casefile.TakenInCharge || got.Version != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := cases.Change(t.Context(), "cremona", c.ID, asked("y"), now, true, act(1, "")); !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, rows(t, pool, "cremona")); diff != "" || get(t, cases, c.ID).Case.Version != 1 {
		t.Error(diff)
	}
	// Ensure its request id is still new.
	if _, replayed, err := cases.Change(t.Context(), "cremona", c.ID, request, now, false, assess(1, "SEX", "S2")); err != nil || replayed {
		t.Errorf("replayed %t, %v", replayed, err)
	}
}

// Ensure a request that was answered is answered with the case as it is now, and an id is not used for anything else.
func TestChange_Repeated(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c, other := opened(t, cases, "cremona"), opened(t, cases, "cremona")
	request := asked("x")
	if _, _, err := cases.Change(t.Context(), "cremona", c.ID, request, now, false, assess(1, "SEX", "S2")); err != nil {
		t.Fatal(err)
	}
	change(t, cases, c.ID, act(2, ""))
	before := rows(t, pool, "cremona")
	never := func(*casefile.Case, uuid.UUID) error { t.Error("decided again"); return nil }
	got, replayed, err := cases.Change(t.Context(), "cremona", c.ID, request, now, false, never)
	if err != nil || !replayed || got.State != casefile.InAction || got.Version != 3 {
		t.Errorf("%+v, replayed %t, %v", got, replayed, err)
	}
	otherBody, otherMethod := request, request
	otherBody.BodyHash, otherMethod.Method = []byte("y"), "Other"
	for name, again := range map[string]idempotency.Request{"another body": otherBody, "another method": otherMethod} {
		for _, id := range []string{c.ID, other.ID, uuid.NewString()} {
			if _, _, err := cases.Change(t.Context(), "cremona", id, again, now, false, never); !fault.Is(err, fault.RequestIDReused) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if diff := cmp.Diff(before, rows(t, pool, "cremona")); diff != "" {
		t.Error(diff)
	}
}

// Ensure every assessment is kept, and the last one holds.
func TestChange_KeepsEveryAssessment(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	change(t, cases, c.ID, assess(1, "SEX", "S2"))
	change(t, cases, c.ID, act(2, ""))
	change(t, cases, c.ID, assess(3, "DISABILITY", "S3"))
	change(t, cases, c.ID, act(4, ""))
	kept := all[string](t, pool, "cremona", `select version || ' ' || main_ground || ' ' || sensitivity from assessment order by version`)
	if diff := cmp.Diff([]string{"2 SEX S2", "4 DISABILITY S3"}, kept); diff != "" {
		t.Error(diff)
	}
	if a := get(t, cases, c.ID).Case.Assessment; a.MainGround != "DISABILITY" || a.Sensitivity != "S3" {
		t.Errorf("%+v holds", a)
	}
}

// Ensure who turns pages sees each case that was there at the start once, whatever is opened meanwhile, with a filter and
// without.
func TestList_WhileCasesAreOpened(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state casefile.State
		want  func(i int) bool
	}{
		{"", func(int) bool { return true }},
		{casefile.InAssessment, func(i int) bool { return i%3 != 0 }},
		{casefile.TakenInCharge, func(i int) bool { return i%3 == 0 }},
		{casefile.Archived, func(int) bool { return false }},
	} {
		t.Run("state "+string(c.state), func(t *testing.T) {
			t.Parallel()
			cases, _ := open(t)
			opened(t, cases, "cuneo")
			var want []string // newest first
			for i := range 23 {
				id := opened(t, cases, "cremona").ID
				if i%3 == 0 {
					change(t, cases, id, assess(1, "SEX", "S2"))
				}
				if c.want(i) {
					want = append([]string{id}, want...)
				}
			}
			var got []string
			for position, pages := int64(0), 0; pages == 0 || position != 0; pages++ {
				page, next, err := cases.List(t.Context(), "cremona", c.state, position, 4)
				if err != nil || len(page) > 4 || next != 0 && next == position {
					t.Fatalf("%d cases, next %d after %d, %v", len(page), next, position, err)
				}
				for _, found := range page {
					got = append(got, found.ID)
				}
				position = next
				change(t, cases, opened(t, cases, "cremona").ID, assess(1, "SEX", "S2"))
				opened(t, cases, "cremona")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Ensure a node's cases do not exist for another one.
func TestCases_OfAnotherNode(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	ctx := t.Context()
	_, getErr := cases.Get(ctx, "cuneo", c.ID)
	_, reportErr := cases.ForReport(ctx, "cuneo", c.ReportIDs[0])
	_, _, changeErr := cases.Change(ctx, "cuneo", c.ID, asked("x"), now, false, assess(1, "SEX", "S2"))
	for name, err := range map[string]error{"get": getErr, "for report": reportErr, "change": changeErr} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page, next, err := cases.List(ctx, "cuneo", "", 0, 10); err != nil || len(page) != 0 || next != 0 {
		t.Errorf("list: %d cases, %v", len(page), err)
	}
	if err := cases.Opened(ctx, "cuneo", c.ID, worker, now); err == nil {
		t.Error("another node's opening was recorded")
	}
	for table, n := range rows(t, pool, "cuneo") {
		if n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	// Ensure that the same report and the same request at another node are others.
	if _, replayed, err := cases.Open(ctx, opening("cuneo", c.ReportIDs[0]), uuid.New()); err != nil || replayed {
		t.Errorf("replayed %t, %v", replayed, err)
	}
}

func TestOpened_LeavesARow(t *testing.T) {
	t.Parallel()
	cases, pool := open(t)
	c := opened(t, cases, "cremona")
	for range 2 {
		if err := cases.Opened(t.Context(), "cremona", c.ID, worker, now); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf("%s %s ugo console", c.ID, now.Format("2006-01-02 15:04:05"))
	got := all[string](t, pool, "cremona", `select concat_ws(' ', case_id, at at time zone 'UTC', person, system) from opening`)
	if diff := cmp.Diff([]string{want, want}, got); diff != "" {
		t.Error(diff)
	}
}
