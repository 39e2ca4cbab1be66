package store_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// tomorrow is the first minute at which the day of now has closed in Italy; tonight is the last minute before.
var (
	tomorrow = time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)
	tonight  = tomorrow.Add(-time.Minute)
)

// submitAnonymous stores an anonymous report.
func submitAnonymous(t *testing.T, reports *store.Reports) store.Submission {
	t.Helper()
	sub := newSubmission(cremona)
	sub.Report.CodedContent.Anonymous = true
	if err := reports.Submit(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	return sub
}

// encode names the event, the codes and the withdrawal, as package feed would.
func encode(sub store.Submission) store.EncodeCount {
	return func(r *report.Report, seq int64) (outbox.Event, error) {
		e := sub.Event
		e.AggregateSeq, e.Data = seq, fmt.Appendf(nil, "%s %t", r.CodedContent.Channel, r.Withdrawn)
		return e, nil
	}
}

// queryEvents lists the events in the outbox, in their order, as aggregate, number and data.
func queryEvents(t *testing.T, pool *pgxpool.Pool) (events []string) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select concat_ws(' ', aggregate, aggregate_seq, encode(data, 'escape'),
			nullif(traceparent, ''))
			from outbox order by id`)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Ensure the counts of anonymous reports wait until their day has closed, and then leave once, in another order than
// they came, without a trace of their calls.
func TestReports_CloseDays(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	var came []string
	for range 40 {
		came = append(came, submitAnonymous(t, reports).Event.Aggregate+" 1 x")
	}
	submit(t, reports, cremona)
	for _, at := range []time.Time{now, tonight} {
		n, err := reports.CloseDays(t.Context(), cremona, at)
		if events := len(queryEvents(t, pool)); n != 0 || events != 1 || err != nil {
			t.Errorf("%s: %d left, %v; %d events, want that of the named report", at, n, err, events)
		}
	}
	total := make([]int, 8)
	concurrently(func(i int) {
		n, err := reports.CloseDays(context.Background(), cremona, tomorrow)
		if err != nil {
			t.Error(err)
		}
		total[i] = n
	})
	left := queryEvents(t, pool)[1:]
	if slices.Equal(left, came) || slices.IsSorted(left) {
		t.Errorf("the counts left in the order %v", left)
	}
	slices.Sort(left)
	slices.Sort(came)
	if diff := gocmp.Diff(came, left); diff != "" {
		t.Error(diff)
	}
	if n := countRows(t, pool, cremona)["anonymous_count"]; n != 0 {
		t.Errorf("%d counts wait", n)
	}
	sum := 0
	for _, n := range total {
		sum += n
	}
	if sum != 40 {
		t.Errorf("%v counts were moved, want 40", total)
	}
}

// Ensure more counts than one transaction takes leave in one call.
func TestReports_CloseDays_Many(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	const many = `insert into anonymous_count select 'lombardia/cremona', gen_random_uuid(), '2026-11-20',
		'it.pari.report.counted.v1', 'x' from generate_series(1, 1100)`
	if err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, many)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := reports.CloseDays(t.Context(), cremona, now); n != 1100 || err != nil {
		t.Errorf("%d left, %v", n, err)
	}
}

// changeCount corrects the channel of a report, or withdraws it when channel is "".
func changeCount(
	t *testing.T, reports *store.Reports, sub store.Submission, version int64, channel string, key idempotency.Request,
) (*report.Report, bool, error) {
	t.Helper()
	change := func(r *report.Report) error {
		if channel == "" {
			return r.WithdrawCount(version, operator, now)
		}
		return r.CorrectCount(version, report.Correction{Channel: channel, ReporterRole: "WITNESS"}, operator, now)
	}
	return reports.ChangeCount(t.Context(), cremona, sub.Report.ID, key, now, encode(sub), change)
}

// Ensure a count that has left is corrected and withdrawn by events of its own, in order, and repeating a request
// changes nothing.
func TestReports_ChangeCount(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	named, anonymous := newSubmission(cremona), submitAnonymous(t, reports)
	if err := reports.Submit(t.Context(), named); err != nil {
		t.Fatal(err)
	}
	if _, err := reports.CloseDays(t.Context(), cremona, tomorrow); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []store.Submission{named, anonymous} {
		before := len(queryEvents(t, pool))
		for i, channel := range []string{"DESK", ""} {
			key := newRequest(channel)
			for try := range 2 {
				r, replayed, err := changeCount(t, reports, sub, int64(i+1), channel, key)
				if err != nil || replayed != (try == 1) || r.Version != int64(i+2) || r.EventSeq != int64(i+2) ||
					r.Withdrawn != (channel == "") || r.CodedContent.Channel != "DESK" {
					t.Errorf("%q: got %+v, replayed %t, %v", channel, r, replayed, err)
				}
			}
		}
		want := []string{sub.Event.Aggregate + " 2 DESK false", sub.Event.Aggregate + " 3 DESK true"}
		if diff := gocmp.Diff(want, queryEvents(t, pool)[before:]); diff != "" {
			t.Error(diff)
		}
		_, _, err := changeCount(t, reports, sub, 3, "DESK", newRequest("again"))
		if !fault.Is(err, fault.ForbiddenMove) {
			t.Errorf("changed after it was withdrawn: %v", err)
		}
		if what := checkHistory(t, reports, sub.Report.ID); len(what) != 3 {
			t.Errorf("history %v", what)
		}
	}
}

// Ensure a count that waits is changed where it waits: the centre hears the right one, or nothing.
func TestReports_ChangeCount_BeforeTheDayCloses(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	corrected, withdrawn := submitAnonymous(t, reports), submitAnonymous(t, reports)
	if _, _, err := changeCount(t, reports, corrected, 1, "DESK", newRequest("1")); err != nil {
		t.Fatal(err)
	}
	if r, _, err := changeCount(t, reports, withdrawn, 1, "", newRequest("2")); err != nil || r.EventSeq != 1 {
		t.Fatal(r, err)
	}
	if events := queryEvents(t, pool); len(events) != 0 {
		t.Errorf("events %v", events)
	}
	if _, err := reports.CloseDays(t.Context(), cremona, tomorrow); err != nil {
		t.Fatal(err)
	}
	want := []string{corrected.Event.Aggregate + " 1 DESK false"}
	if diff := gocmp.Diff(want, queryEvents(t, pool)); diff != "" {
		t.Error(diff)
	}
}

func TestReports_ChangeCount_Refusals(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	sub := submitAnonymous(t, reports)
	if _, _, err := changeCount(t, reports, sub, 2, "DESK", newRequest("1")); !fault.Is(err, fault.WrongVersion) {
		t.Errorf("wrong version: %v", err)
	}
	used := sub.Request
	used.Method = "CorrectCount"
	if _, _, err := changeCount(t, reports, sub, 1, "DESK", used); !fault.Is(err, fault.RequestIDReused) {
		t.Errorf("used request id: %v", err)
	}
	unknown := sub
	unknown.Report = &report.Report{ID: uuid.NewString()}
	if _, _, err := changeCount(t, reports, unknown, 1, "DESK", newRequest("1")); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown report: %v", err)
	}
	if n := countRows(t, pool, cremona)["report_history"]; n != 1 {
		t.Errorf("%d history entries, want 1", n)
	}
}

// Ensure after a restore an anonymous report that the centre counts already is not counted again when its day closes,
// and that what follows about it follows the centre's events. A report that was lost with the restore is unknown.
func TestRestored(t *testing.T) {
	t.Parallel()
	reports, pool := setup(t)
	sub := submitAnonymous(t, reports)
	pseudonym := func(_ tenant.ID, reportID string) string {
		if reportID != sub.Report.ID {
			t.Errorf("asked for the pseudonym of %s", reportID)
		}
		return sub.Event.Aggregate
	}
	for aggregate, want := range map[string]bool{sub.Event.Aggregate: true, uuid.NewString(): false} {
		err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
			restored := store.NewRestored(pseudonym)
			known, err := restored.Lock(ctx, tx, cremona, aggregate)
			if known != want {
				t.Errorf("known %t, want %t", known, want)
			}
			if !known || err != nil {
				return err
			}
			return restored.Continue(ctx, tx, cremona, aggregate, 3)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n, err := reports.CloseDays(t.Context(), cremona, tomorrow); n != 0 || err != nil {
		t.Errorf("%d counts were sent again, %v", n, err)
	}
	if _, _, err := changeCount(t, reports, sub, 1, "", newRequest("1")); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{sub.Event.Aggregate + " 4 PHONE true"}, queryEvents(t, pool)); diff != "" {
		t.Error(diff)
	}
}

// Ensure a repair waits for a day that is closing and for a correction that is being stored, and renumbers their events
// after those that the centre has.
func TestRestored_WhileTheServiceWrites(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "intake", store.Migrate)
	pool := db.Pool(t)
	reports := store.New(pool)
	owner, err := pgxpool.New(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	anonymous, named := submitAnonymous(t, reports), newSubmission(cremona)
	if err := reports.Submit(t.Context(), named); err != nil {
		t.Fatal(err)
	}
	var centre []outbox.CentreEvent // has counted both, by events that the restore has lost
	for i, aggregate := range []string{anonymous.Event.Aggregate, named.Event.Aggregate} {
		centre = append(centre, outbox.CentreEvent{
			NodeSeq: int64(i + 1), ID: uuid.NewString(), Hash: bus.Hash{byte(i + 1)}, Type: anonymous.Event.Type,
			Aggregate: aggregate, AggregateSeq: 1,
		})
	}
	repair := outbox.Repair{
		DB: owner, Partition: bus.Partition{Tenant: cremona, Source: "intake"},
		Signer: bus.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))),
		Records: store.NewRestored(func(_ tenant.ID, reportID string) string {
			if reportID == named.Report.ID {
				return named.Event.Aggregate
			}
			return anonymous.Event.Aggregate
		}),
		Centre: func(_ context.Context, after int64) (outbox.Position, []outbox.CentreEvent, error) {
			return outbox.Position{Acknowledged: 2, Hash: centre[1].Hash, Announced: 2}, centre[after:], nil
		},
	}
	result := make(chan error, 1)
	encodeAndRepair := func(r *report.Report, seq int64) (outbox.Event, error) {
		if seq > 1 { // the report is locked, and its event will be stored
			err := pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, `delete from anonymous_count`); err != nil {
					return err
				}
				go func() {
					_, err := repair.Run(context.Background(), false)
					result <- err
				}()
				awaitLockWait(t, owner)
				return outbox.Append(ctx, tx, anonymous.Event) // as CloseDays does
			})
			if err != nil {
				return outbox.Event{}, err
			}
			awaitLockWait(t, owner)
		}
		return encode(named)(r, seq)
	}
	correct := func(r *report.Report) error {
		return r.CorrectCount(1, report.Correction{Channel: "DESK", ReporterRole: "WITNESS"}, operator, now)
	}
	_, _, err = reports.ChangeCount(t.Context(), cremona, named.Report.ID, newRequest("1"), now, encodeAndRepair,
		correct)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if _, _, err := changeCount(t, reports, named, 2, "", newRequest("2")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		named.Event.Aggregate + " 2 x", anonymous.Event.Aggregate + " 2 x", named.Event.Aggregate + " 3 DESK false",
		named.Event.Aggregate + " 4 DESK true",
	}
	if diff := gocmp.Diff(want, queryEvents(t, pool)); diff != "" {
		t.Error(diff)
	}
}

const countLockWaits = `select count(*) from pg_stat_activity
	where datname = current_database() and wait_event_type = 'Lock'`

// awaitLockWait returns once a session waits for a lock in this database.
func awaitLockWait(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for n := 0; n == 0; {
		if err := pool.QueryRow(t.Context(), countLockWaits).Scan(&n); err != nil {
			t.Error(err)
			return
		}
	}
}
