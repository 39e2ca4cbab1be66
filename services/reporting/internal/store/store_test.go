package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	intake = bus.Partition{Region: "lombardia", Node: "cremona", Source: "intake"}
	cases  = bus.Partition{Region: "lombardia", Node: "cremona", Source: "casemanagement"}
	cuneo  = bus.Partition{Region: "piemonte", Node: "cuneo", Source: "casemanagement"}

	march = fact.Month{Year: 2026, Month: 3}
	april = fact.Month{Year: 2026, Month: 4}
)

// codes knows everything, in groups named after the first letter.
func codes(_, code string) (string, bool) {
	if code == "UNKNOWN" {
		return "", false
	}
	if code == "PERTINENT_LEGAL" {
		return fact.PertinentGroup, true
	}
	return "G_" + code[:1], true
}

// bundle is a store with what a test needs to feed it.
type bundle struct {
	*Store
	t    testing.TB
	db   pgtest.DB
	pool *pgxpool.Pool

	mu      sync.Mutex
	changes []func() (Change, error) // by the number in an event's data
}

func setup(t testing.TB) *bundle {
	t.Helper()
	db := pgtest.New(t, "reporting", Migrate)
	pool := db.Pool(t)
	return &bundle{Store: New(pool), t: t, db: db, pool: pool}
}

// wire writes events of a line, each following the one before.
type wire struct {
	b    *bundle
	line bus.Partition
	seq  int64
	hash bus.Hash
	aggr map[string]int64
}

func (b *bundle) wire(line bus.Partition) *wire {
	return &wire{b: b, line: line, aggr: map[string]int64{}}
}

func (w *wire) event(aggregate string, change any) Event {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	var read func() (Change, error)
	switch c := change.(type) {
	case fact.ReportCounted:
		read = func() (Change, error) { return Change{Report: &c}, nil }
	case fact.ActivityCounted:
		read = func() (Change, error) { return Change{Activity: &c}, nil }
	case fact.IndicatorsCounted:
		read = func() (Change, error) { return Change{Indicators: &c}, nil }
	case fact.CaseEvent:
		read = func() (Change, error) { return Change{Case: c}, nil }
	case error:
		read = func() (Change, error) { return Change{}, c }
	case func() (Change, error):
		read = c
	default:
		w.b.t.Fatalf("no change: %T", change)
	}
	w.b.changes = append(w.b.changes, read)
	w.seq++
	w.aggr[aggregate]++
	e := NewEvent(bus.Event{
		ID: uuid.NewString(), Type: "it.pari.test.v1", Partition: w.line, Subject: aggregate, AggregateSeq: w.aggr[aggregate], NodeSeq: w.seq,
		PrevHash: w.hash, Data: binary.BigEndian.AppendUint32(nil, uint32(len(w.b.changes)-1)),
	})
	w.hash = e.Hash
	return e
}

func (b *bundle) read(_ bus.Partition, _, _ string, data []byte) (Change, error) {
	b.mu.Lock()
	f := b.changes[binary.BigEndian.Uint32(data)]
	b.mu.Unlock()
	return f()
}

// take applies events as one batch and fails the test on an error.
func (b *bundle) take(events ...Event) Result {
	b.t.Helper()
	r, err := b.Apply(context.Background(), Batch{Region: events[0].Partition.Region, Events: events, Waiting: 100}, b.read, codes)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// sound fails the test unless the cells of a region equal those counted afresh.
func (b *bundle) sound(region string) {
	b.t.Helper()
	differ, err := b.Audit(context.Background(), region)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(differ) != 0 {
		b.t.Errorf("cells differ from facts: %v", differ)
	}
}

func (b *bundle) line(l bus.Partition) Line {
	b.t.Helper()
	lines, err := b.Lines(context.Background(), l.Region)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, found := range lines[l.Node] {
		if found.Source == l.Source {
			return found
		}
	}
	return Line{}
}

func (b *bundle) count(table string, year int, keys ...string) int64 {
	b.t.Helper()
	return b.countIn("lombardia", table, year, keys...)
}

func (b *bundle) countIn(region, table string, year int, keys ...string) int64 {
	b.t.Helper()
	counts, _, err := b.Cells(context.Background(), region, table, year)
	if err != nil {
		b.t.Fatal(err)
	}
	c := fact.Cell{Table: table, Year: year, A: keys[0], B: keys[1]}
	if len(keys) > 2 {
		c.C = keys[2]
	}
	return counts[c]
}

func TestSchema(t *testing.T) {
	t.Parallel()
	b := setup(t)
	t.Run("every statement prepares", func(t *testing.T) { pgtest.Prepares(t, b.pool, statements) })
	t.Run("row security is forced everywhere", func(t *testing.T) { pgtest.RowSecurity(t, b.pool) })
	t.Run("what took effect cannot be rewritten", func(t *testing.T) {
		for _, sql := range []string{
			`update inbox set node_seq = 1`, `delete from inbox`, `delete from fact_report`, `delete from fact_case`, `delete from cell`,
			`delete from line`, `update fact_action set code = ''`, `truncate parked`,
		} {
			if _, err := b.pool.Exec(context.Background(), sql); err == nil {
				t.Errorf("%s was allowed", sql)
			}
		}
	})
}

// Ensure that a transaction for one region sees and writes no rows of another, table by table.
func TestRegions_AreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, line := range []bus.Partition{cases, cuneo} {
		w := b.wire(line)
		b.take(w.event("c1", fact.CaseOpened{Month: april}), w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"}),
			w.event("c1", ErrUnreadable))
		if line == cases {
			r := b.wire(intake)
			b.take(r.event("r1", fact.ReportCounted{Month: march}))
		}
	}
	ctx := context.Background()
	for _, table := range []string{"line", "inbox", "parked", "fact_case", "fact_action", "cell"} {
		for region, other := range map[string]string{"lombardia": "piemonte", "piemonte": "lombardia"} {
			err := b.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
				var own, foreign int
				q := fmt.Sprintf(`select count(*) filter (where region = $1), count(*) filter (where region <> $1) from %s`, table)
				if err := tx.QueryRow(ctx, q, region).Scan(&own, &foreign); err != nil {
					return err
				}
				if own == 0 || foreign != 0 {
					t.Errorf("%s of %s: %d own rows, %d of %s", table, region, own, foreign, other)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	t.Run("a region cannot write for another", func(t *testing.T) {
		err := b.inRegion(ctx, "piemonte", func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, insertLines, "lombardia", []string{"milano"}, []string{"intake"})
			return err
		})
		if err == nil {
			t.Error("was allowed")
		}
	})
	t.Run("without a region nothing is seen", func(t *testing.T) {
		var n int
		err := b.pool.QueryRow(ctx, `select count(*) from fact_case`).Scan(&n)
		if err == nil && n != 0 {
			t.Errorf("saw %d rows", n)
		}
	})
}

func TestApply_KeepsFactsAndCells(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reports, files := b.wire(intake), b.wire(cases)
	b.take(
		reports.event("r1", fact.ReportCounted{Month: march, Channel: "DESK"}),
		reports.event("r2", fact.ReportCounted{Month: april}),
		files.event("c1", fact.CaseOpened{Month: april, Received: march, Channel: "DESK", ReporterRole: "VICTIM"}),
		files.event("c1", fact.CaseClassified{Verdict: "PERTINENT_LEGAL", Grounds: []string{"ETHNIC"}, MainGround: "ETHNIC", Field: "WORK", Flags: []string{"ONLINE"}}),
		files.event("c2", fact.CaseOpened{Month: april}),
		files.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER", Result: "DONE"}),
	)
	b.sound("lombardia")
	b.take(
		files.event("c1", fact.CaseClassified{Verdict: "CRIME", Grounds: []string{"AGE"}, MainGround: "AGE", Field: "HOUSE"}),
		files.event("c2", fact.CaseClassified{Sealed: true}),
		files.event("c1", fact.CaseClosed{Month: april, Outcome: "SOLVED", SecondaryOutcomes: []string{"LOST"}}),
	)
	b.sound("lombardia")
	for _, c := range []struct {
		want  int64
		table string
		keys  []string
	}{
		{2, fact.TableFlow, []string{fact.UnitReport, fact.Total, "cremona"}},
		{1, fact.TableFlow, []string{fact.UnitReport, "2026-03", fact.Total}},
		{0, fact.TableFlow, []string{fact.UnitPertinent, fact.Total, fact.Total}}, // was, until it was assessed again
		{1, fact.TableFlow, []string{fact.UnitCase, fact.Total, "cremona"}},       // the sealed one has no node
		{2, fact.TableFlow, []string{fact.UnitCase, fact.Total, fact.Total}},
		{1, fact.TableGrounds, []string{"G_A", "G_H"}},
		{0, fact.TableGrounds, []string{"G_E", "G_W"}},
		{2, fact.TableGrounds, []string{fact.Total, fact.Total}},
		{1, fact.TableOutcomes, []string{"G_S", "G_A"}},
	} {
		if got := b.count(c.table, 2026, c.keys...); got != c.want {
			t.Errorf("%s %v counts %d, want %d", c.table, c.keys, got, c.want)
		}
	}
	if l := b.line(intake); l.Applied != 2 || l.Reports != 2 || l.Cases != 0 || l.Gaps() != 0 || l.HeardAt.IsZero() {
		t.Errorf("intake's line: %+v", l)
	}
	if l := b.line(cases); l.Applied != 7 || l.Reports != 0 || l.Cases != 2 {
		t.Errorf("casemanagement's line: %+v", l)
	}
}

// Ensure a case that is sealed loses what was kept of it before, its actions too.
func TestApply_SealedCaseIsLetGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.wire(cases)
	b.take(w.event("c1", fact.CaseOpened{Month: april, Channel: "DESK"}), w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"}))
	b.take(w.event("c1", fact.ActionRecorded{Month: april, Code: "CALL"}), w.event("c1", fact.CaseClassified{Sealed: true}),
		w.event("c1", fact.ActionRecorded{Month: april, Code: "VISIT"}))
	var actions, left int
	err := b.inRegion(context.Background(), "lombardia", func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select (select count(*) from fact_action), (select count(*) from fact_case where channel <> '' or actions <> 0)`).Scan(&actions, &left)
	})
	if err != nil || actions != 0 || left != 0 {
		t.Errorf("%d actions and %d details left, %v", actions, left, err)
	}
	b.sound("lombardia")
}

func TestHearAndStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	if err := b.AddNodes(ctx, []Node{{"piemonte", "cuneo"}, {"lombardia", "cremona"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.AddNodes(ctx, []Node{{"lombardia", "cremona"}}); err != nil {
		t.Fatal(err)
	}
	nodes, err := b.Nodes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Node{{"lombardia", "cremona"}, {"piemonte", "cuneo"}}, nodes); diff != "" {
		t.Error(diff)
	}
	at := nowUTC(t, b.pool)
	for _, h := range []Heartbeat{{intake, 7, 3, at}, {intake, 5, 1, at}} {
		if err := b.Hear(ctx, "lombardia", []Heartbeat{h}); err != nil {
			t.Fatal(err)
		}
	}
	l := b.line(intake)
	if l.LastSeq != 7 || l.Pending != 1 || l.Gaps() != 7 || !l.HeardAt.Equal(at) {
		t.Errorf("got %+v", l)
	}
}
