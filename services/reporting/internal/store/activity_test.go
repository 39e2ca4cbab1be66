package store

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// directory is the partition of the centre's directory in a region.
var directory = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "centre"}, Source: SourceDirectory}

func hours(node string, n int64) fact.ActivityCounted {
	return fact.ActivityCounted{Rows: []fact.ActivityRow{{Measure: "TRAINING_HOURS", Year: 2026, Node: node, Value: n}}}
}

func (b *testEnv) cells(table string, year int) map[fact.Cell]int64 {
	b.t.Helper()
	cells, _, err := b.GetCells(context.Background(), "lombardia", table, year)
	if err != nil {
		b.t.Fatal(err)
	}
	return cells
}

func (b *testEnv) want(table string, want map[fact.Cell]int64) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.cells(table, 2026)); diff != "" {
		b.t.Error("(-want +got):\n" + diff)
	}
	b.checkCells("lombardia")
}

func TestApply_Activity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(directory)
	at := func(node string) fact.Cell {
		return fact.Cell{Table: fact.TableActivity, Year: 2026, A: "TRAINING_HOURS", B: node}
	}
	b.mustApply(w.event("course.a", hours("cremona", 12)), w.event("course.b", hours("", 3)))
	b.want(fact.TableActivity, map[fact.Cell]int64{at("cremona"): 12, at("TOTAL"): 15})
	// A later event of the same entry replaces an earlier one, within a batch and across batches.
	b.mustApply(w.event("course.a", hours("cremona", 9)), w.event("course.a", hours("milano", 4)))
	b.want(fact.TableActivity, map[fact.Cell]int64{at("cremona"): 0, at("milano"): 4, at("TOTAL"): 7})
	b.mustApply(w.event("course.a", fact.ActivityCounted{}), w.event("course.b", fact.ActivityCounted{}))
	b.want(fact.TableActivity, map[fact.Cell]int64{at("cremona"): 0, at("milano"): 0, at("TOTAL"): 0})
	if p := b.partition(directory); p.Acknowledged != 6 || p.DeadLettered != 0 || p.Reports != 0 || p.Cases != 0 {
		t.Errorf("partition %+v", p)
	}
	if diff, err := b.CheckCells(context.Background(), "piemonte"); err != nil || len(diff) != 0 {
		t.Errorf("another region has %v, %v", diff, err)
	}
}

func TestApply_Indicators(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(directory)
	at := func(year int, programme, figure string) fact.Cell {
		return fact.Cell{Table: fact.TableIndicators, Year: year, A: programme, B: "IND_WORKSHOPS", C: figure}
	}
	programme := func(target, before, now int64) fact.IndicatorsCounted {
		return fact.IndicatorsCounted{Programme: "p", Rows: []fact.IndicatorRow{
			{Code: "IND_WORKSHOPS", Target: target}, {Code: "IND_WORKSHOPS", Year: 2025, Value: before},
			{Code: "IND_WORKSHOPS", Year: 2026, Value: now},
		}}
	}
	b.mustApply(w.event("programme.p", programme(50, 2, 3)))
	b.mustApply(w.event("programme.p", programme(40, 2, 5)))
	b.want(fact.TableIndicators, map[fact.Cell]int64{
		at(0, "p", fact.FigureTarget): 40, at(0, "p", fact.FigureSoFar): 7, at(2026, "p", fact.FigureYear): 5,
		at(0, "TOTAL", fact.FigureTarget): 40, at(0, "TOTAL", fact.FigureSoFar): 7,
		at(2026, "TOTAL", fact.FigureYear): 5,
	})
}

// Ensure that a batch reads the figures of its entries only, and which of these are blocked.
func TestLoadFacts_OnlyOfTheBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(directory)
	programme := fact.IndicatorsCounted{Programme: "p"}
	b.mustApply(w.event("course.a", hours("cremona", 1)), w.event("course.b", hours("cremona", 2)),
		w.event("programme.p", programme), w.event("programme.q", programme), w.event("course.c", ErrUnreadable))
	next := []Event{w.event("course.a", hours("cremona", 3)), w.event("programme.p", programme)}
	err := b.inRegion(context.Background(), "lombardia", func(ctx context.Context, tx pgx.Tx) error {
		f, err := loadFacts(ctx, tx, "lombardia", next)
		if len(f.activities) != 1 || len(f.indicators) != 1 {
			t.Errorf("%d activities and %d programmes, want one of each", len(f.activities), len(f.indicators))
		}
		if len(f.blocked) != 0 {
			t.Errorf("%v are blocked", f.blocked)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Ensure that an event with an unknown code blocks its entry, and that all its events are applied in order once the
// code is known.
func TestReprocess_Activity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(directory)
	bad := hours("cremona", 5)
	bad.Rows[0].Measure = "UNKNOWN"
	r := b.mustApply(w.event("course.a", hours("cremona", 1)), w.event("course.a", bad),
		w.event("course.a", hours("cremona", 8)))
	if r.Applied != 1 || r.Unapplied[ClassCode] != 1 || r.Unapplied[ClassBlocked] != 1 {
		t.Fatalf("got %+v", r)
	}
	allCodes := func(_, code string) (string, bool) { return "G_" + code[:1], true }
	reprocessed, err := b.Reprocess(context.Background(), "lombardia", b.decode, allCodes)
	if err != nil || reprocessed.Applied != 2 {
		t.Fatalf("got %+v, %v", reprocessed, err)
	}
	cell := fact.Cell{Table: fact.TableActivity, Year: 2026, A: "TRAINING_HOURS", B: "cremona"}
	if n := b.cells(fact.TableActivity, 2026)[cell]; n != 8 {
		t.Errorf("%d hours, want those of the last event", n)
	}
	b.checkCells("lombardia")
}
