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
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	cremona = tenant.ID{Region: "lombardia", Node: "cremona"}
	cuneo   = tenant.ID{Region: "piemonte", Node: "cuneo"}
	homonym = tenant.ID{Region: "piemonte", Node: "cremona"} // another node of the same name
	now     = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)
	worker  = casefile.Actor{Person: "ugo", Tenant: cremona, System: "console"}
)

// encodeEvent encodes the kind of an event only.
func encodeEvent(c *casefile.Case, e casefile.Event) (outbox.Event, error) {
	return outbox.Event{
		Tenant: c.Tenant, Type: "it.pari.case.test.v1", Aggregate: c.Pseudonym, AggregateSeq: e.Seq,
		Data: []byte(e.Kind),
	}, nil
}

func setup(t *testing.T) (*store.Cases, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t, "casemanagement", store.Migrate).Pool(t)
	return store.New(pool, encodeEvent), pool
}

// newCase returns a new case of a report, with ids of its own.
func newCase(at tenant.ID, reportID string) *casefile.Case {
	id := uuid.NewString()
	return casefile.Open(casefile.OpenParams{
		ID: id, Number: "N-" + id, Tenant: at, Pseudonym: uuid.NewString(), ReportID: reportID,
		Received: casefile.Month{Year: 2026, Month: 11}, Channel: "PHONE", ReporterRole: "VICTIM",
	}, worker, now)
}

func openCase(t *testing.T, cases *store.Cases, at tenant.ID) *casefile.Case {
	t.Helper()
	c, replayed, err := cases.Open(t.Context(), newCase(at, uuid.NewString()), nil)
	if err != nil || replayed {
		t.Fatalf("replayed %t, %v", replayed, err)
	}
	return c
}

// newRequest returns a request with an id of its own.
func newRequest(body string) idempotency.Request {
	return idempotency.Request{Key: []byte(uuid.NewString()), Method: "Update", BodyHash: []byte(body)}
}

type mutation = func(*casefile.Case) error

func assess(version int64, mainGround, sensitivity string) mutation {
	a := casefile.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: mainGround, Type: "DIRECT",
		Flags: []string{"MULTIPLE"}, Field: "WORK", AuthorKinds: []string{"COMPANY"},
		IncidentMonth: &casefile.Month{Year: 2026, Month: 10}, EventPlace: "019036", Residence: "ND",
		Sensitivity: sensitivity,
	}
	return func(c *casefile.Case) error {
		return c.Assess(version, a, casefile.DispositionInCharge, worker, now)
	}
}

func recordAction(version int64, note string) mutation {
	return func(c *casefile.Case) error {
		return c.RecordAction(version, casefile.Action{
			ID: uuid.NewString(), Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 45,
			SealedNote: []byte(note),
		}, worker, now)
	}
}

func closeCase(version int64) mutation {
	return func(c *casefile.Case) error {
		return c.Close(version, casefile.Closing{
			Outcome: "REMOVED", SecondaryOutcomes: []string{"INFORMED"}, PersonInformed: true,
			SealedNote: []byte("sealed"),
		}, worker, now)
	}
}

// update applies a mutation to a case of Cremona.
func update(t *testing.T, cases *store.Cases, id string, mutate mutation) *casefile.Case {
	t.Helper()
	c, replayed, err := cases.Update(t.Context(), cremona, id, newRequest("x"), now, false, mutate)
	if err != nil || replayed {
		t.Fatalf("replayed %t, %v", replayed, err)
	}
	return c
}

func get(t *testing.T, cases *store.Cases, id string) store.CaseFile {
	t.Helper()
	f, err := cases.Get(t.Context(), cremona, id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// query returns the first column of a query on the rows of a tenant.
func query[T any](t *testing.T, pool *pgxpool.Pool, at tenant.ID, sql string) (values []T) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, at, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		values, err = pgx.CollectRows(rows, pgx.RowTo[T])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// countRows counts a tenant's rows in each table that an update writes to.
func countRows(t *testing.T, pool *pgxpool.Pool, at tenant.ID) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range []string{
		"case_file", "case_report", "assessment", "action", "case_history", "idempotency_key", "outbox",
	} {
		counts[table] = query[int](t, pool, at, `select count(*) from `+table)[0]
	}
	return counts
}

// Ensure Get returns all that was stored, after each step.
func TestCases_Get(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := newCase(cremona, uuid.NewString())
	if _, _, err := cases.Open(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	var history []casefile.HistoryEntry
	var actions []casefile.Action
	for _, mutate := range []mutation{
		nil, assess(1, "SEX", "S2"), recordAction(2, "one"), recordAction(3, ""), closeCase(4),
	} {
		if mutate != nil {
			c = update(t, cases, c.ID, mutate)
		}
		history, actions = append(history, c.UnsavedHistory()...), append(actions, c.UnsavedActions()...)
		want := store.CaseFile{Case: c, Actions: actions, History: history}
		got := get(t, cases, c.ID)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(casefile.Case{}), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
	want := map[string]int{
		"case_file": 1, "case_report": 1, "assessment": 1, "action": 2, "case_history": 5, "idempotency_key": 4,
		"outbox": 5,
	}
	if diff := cmp.Diff(want, countRows(t, pool, cremona)); diff != "" {
		t.Error(diff)
	}
}

// Ensure a failing part of Open or Update leaves no other part stored.
func TestCases_AllOrNothing(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	other := update(t, cases, openCase(t, cases, cremona).ID, assess(1, "SEX", "S2"))
	before := countRows(t, pool, cremona)
	errTest := errors.New("test")
	for name, modify := range map[string]func(*outbox.Event) error{
		"encoding fails":        func(*outbox.Event) error { return errTest },
		"invalid event type":    func(e *outbox.Event) error { e.Type = "test"; return nil },
		"duplicate event":       func(e *outbox.Event) error { e.Aggregate = other.Pseudonym; return nil },
		"event of another node": func(e *outbox.Event) error { e.Tenant = cuneo; return nil },
		"event of a homonym":    func(e *outbox.Event) error { e.Tenant = homonym; return nil },
	} {
		failing := store.New(pool, func(c *casefile.Case, e casefile.Event) (outbox.Event, error) {
			event, _ := encodeEvent(c, e)
			err := modify(&event)
			return event, err
		})
		_, _, err := failing.Update(t.Context(), cremona, c.ID, newRequest("x"), now, false, assess(1, "SEX", "S2"))
		if err == nil {
			t.Errorf("%s: the update was stored", name)
		}
		if _, _, err := failing.Open(t.Context(), newCase(cremona, uuid.NewString()), nil); err == nil {
			t.Errorf("%s: the case was stored", name)
		}
	}
	fail := func(*casefile.Case) error { return errTest }
	_, _, err := cases.Update(t.Context(), cremona, c.ID, newRequest("x"), now, false, fail)
	if !errors.Is(err, errTest) {
		t.Errorf("failing mutation: %v", err)
	}
	if diff := cmp.Diff(before, countRows(t, pool, cremona)); diff != "" {
		t.Error(diff)
	}
	if f := get(t, cases, c.ID); f.Case.Version != 1 || f.Case.EventSeq != 1 || f.Case.Assessment != nil {
		t.Errorf("left %+v", f.Case)
	}
}

// Ensure validateOnly has the result of the update itself, and stores nothing.
func TestCases_Update_ValidateOnly(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	before := countRows(t, pool, cremona)
	req := newRequest("x")
	got, _, err := cases.Update(t.Context(), cremona, c.ID, req, now, true, assess(1, "SEX", "S2"))
	if err != nil || got.State != casefile.TakenInCharge || got.Version != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	_, _, err = cases.Update(t.Context(), cremona, c.ID, newRequest("y"), now, true, recordAction(1, ""))
	if !fault.Is(err, fault.ForbiddenMove) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, countRows(t, pool, cremona)); diff != "" || get(t, cases, c.ID).Case.Version != 1 {
		t.Error(diff)
	}
	// Ensure the request id may then be used for the update.
	_, replayed, err := cases.Update(t.Context(), cremona, c.ID, req, now, false, assess(1, "SEX", "S2"))
	if err != nil || replayed {
		t.Errorf("replayed %t, %v", replayed, err)
	}
}

// Ensure a repeated request returns the case as it is now, and that its id is refused for anything else.
func TestCases_Update_Replayed(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c, other := openCase(t, cases, cremona), openCase(t, cases, cremona)
	req := newRequest("x")
	_, _, err := cases.Update(t.Context(), cremona, c.ID, req, now, false, assess(1, "SEX", "S2"))
	if err != nil {
		t.Fatal(err)
	}
	update(t, cases, c.ID, recordAction(2, ""))
	before := countRows(t, pool, cremona)
	notCalled := func(*casefile.Case) error { t.Error("mutated again"); return nil }
	got, replayed, err := cases.Update(t.Context(), cremona, c.ID, req, now, false, notCalled)
	if err != nil || !replayed || got.State != casefile.InAction || got.Version != 3 {
		t.Errorf("%+v, replayed %t, %v", got, replayed, err)
	}
	otherBody, otherMethod := req, req
	otherBody.BodyHash, otherMethod.Method = []byte("y"), "Other"
	for name, reused := range map[string]idempotency.Request{"other body": otherBody, "other method": otherMethod} {
		for _, id := range []string{c.ID, other.ID, uuid.NewString()} {
			_, _, err := cases.Update(t.Context(), cremona, id, reused, now, false, notCalled)
			if !fault.Is(err, fault.RequestIDReused) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if diff := cmp.Diff(before, countRows(t, pool, cremona)); diff != "" {
		t.Error(diff)
	}
}

// Ensure all assessments stay stored, and that the last one is current.
func TestCases_Update_KeepsAllAssessments(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	update(t, cases, c.ID, assess(1, "SEX", "S2"))
	update(t, cases, c.ID, recordAction(2, ""))
	update(t, cases, c.ID, assess(3, "DISABILITY", "S3"))
	update(t, cases, c.ID, recordAction(4, ""))
	stored := query[string](t, pool, cremona,
		`select version || ' ' || main_ground || ' ' || sensitivity from assessment order by version`)
	if diff := cmp.Diff([]string{"2 SEX S2", "4 DISABILITY S3"}, stored); diff != "" {
		t.Error(diff)
	}
	if a := get(t, cases, c.ID).Case.Assessment; a.MainGround != "DISABILITY" || a.Sensitivity != "S3" {
		t.Errorf("current assessment %+v", a)
	}
}

// Ensure another node's cases can be neither read nor changed, even when it has the same name.
func TestCases_OfAnotherNode(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	for _, other := range []tenant.ID{cuneo, homonym} {
		t.Run(other.String(), func(t *testing.T) {
			checkUnreachable(t, cases, pool, other, c)
			// Ensure the same report id at another node is another report.
			opened, replayed, err := cases.Open(t.Context(), newCase(other, c.ReportIDs[0]), nil)
			if err != nil || replayed || opened.Tenant != other {
				t.Errorf("%+v, replayed %t, %v", opened, replayed, err)
			}
		})
	}
}

// checkUnreachable checks that a tenant without cases reaches neither a case of another tenant nor its rows.
func checkUnreachable(t *testing.T, cases *store.Cases, pool *pgxpool.Pool, other tenant.ID, c *casefile.Case) {
	t.Helper()
	ctx := t.Context()
	_, getErr := cases.Get(ctx, other, c.ID)
	_, reportErr := cases.GetByReport(ctx, other, c.ReportIDs[0])
	_, _, updateErr := cases.Update(ctx, other, c.ID, newRequest("x"), now, false, assess(1, "SEX", "S2"))
	for name, err := range map[string]error{"get": getErr, "get by report": reportErr, "update": updateErr} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page, next, err := cases.List(ctx, other, "", 0, 10); err != nil || len(page) != 0 || next != 0 {
		t.Errorf("list: %d cases, %v", len(page), err)
	}
	if err := cases.LogAccess(ctx, other, c.ID, worker, now); err == nil {
		t.Error("access to another node's case was logged")
	}
	for table, n := range countRows(t, pool, other) {
		if n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
}

// Ensure a request id that one of two homonyms used is new at the other, for a case with the same number.
func TestCases_Update_AtAHomonym(t *testing.T) {
	t.Parallel()
	cases, _ := setup(t)
	req := newRequest("x")
	for _, at := range []tenant.ID{cremona, homonym} {
		c := newCase(at, uuid.NewString())
		c.Number = "CR-C-2026-000001"
		if _, _, err := cases.Open(t.Context(), c, nil); err != nil {
			t.Fatal(err)
		}
		got, replayed, err := cases.Update(t.Context(), at, c.ID, req, now, false, assess(1, "SEX", "S2"))
		if err != nil || replayed || got.ID != c.ID || got.Tenant != at {
			t.Errorf("%s: %+v, replayed %t, %v", at, got, replayed, err)
		}
	}
}

// Ensure a case whose number is taken gets another one, and is stored once.
func TestCases_Open_DrawsAnotherNumber(t *testing.T) {
	t.Parallel()
	cases, _ := setup(t)
	first, second := openCase(t, cases, cremona), newCase(cremona, uuid.NewString())
	second.Number = first.Number
	draws := []string{first.Number, "CR-C-2026-00000-Q"}
	draw := func() (n string) { n, draws = draws[0], draws[1:]; return n }
	got, replayed, err := cases.Open(t.Context(), second, draw)
	if err != nil || replayed || got.Number != "CR-C-2026-00000-Q" || len(draws) != 0 {
		t.Errorf("got %+v, replayed %t, %v; draws left %v", got, replayed, err, draws)
	}
	if page, _, err := cases.List(t.Context(), cremona, "", 0, 10); err != nil || len(page) != 2 {
		t.Errorf("%d cases, %v", len(page), err)
	}
}

// Ensure the list of reports has each with its case, of the tenant alone.
func TestCasesByReport(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	want := map[string]string{}
	for range 3 {
		c := openCase(t, cases, cremona)
		want[c.ReportIDs[0]] = c.ID
	}
	if _, _, err := cases.Open(t.Context(), newCase(cuneo, uuid.NewString()), nil); err != nil {
		t.Fatal(err)
	}
	got, err := store.CasesByReport(t.Context(), pool, cremona)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCases_LogAccess(t *testing.T) {
	t.Parallel()
	cases, pool := setup(t)
	c := openCase(t, cases, cremona)
	for range 2 {
		if err := cases.LogAccess(t.Context(), cremona, c.ID, worker, now); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf("%s %s ugo console", c.ID, now.Format("2006-01-02 15:04:05"))
	got := query[string](t, pool, cremona,
		`select concat_ws(' ', case_id, at at time zone 'UTC', person, system) from access_log`)
	if diff := cmp.Diff([]string{want, want}, got); diff != "" {
		t.Error(diff)
	}
}
