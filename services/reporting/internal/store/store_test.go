package store

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	intake = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "intake"}
	cases  = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "casemanagement"}
	cuneo  = bus.Partition{Tenant: tenant.ID{Region: "piemonte", Node: "cuneo"}, Source: "casemanagement"}

	march = fact.Month{Year: 2026, Month: 3}
	april = fact.Month{Year: 2026, Month: 4}
)

// codes accepts every code but UNKNOWN, in groups named after the first letter.
func codes(_, code string) (string, bool) {
	if code == "UNKNOWN" {
		return "", false
	}
	if code == "PERTINENT_LEGAL" {
		return fact.PertinentGroup, true
	}
	return "G_" + code[:1], true
}

// testEnv is a store and the changes that its events decode to.
type testEnv struct {
	*Store
	t    testing.TB
	db   pgtest.DB
	pool *pgxpool.Pool

	mu      sync.Mutex
	changes []func() (Change, error) // indexed by the number in an event's data
}

func setup(t testing.TB) *testEnv {
	t.Helper()
	db := pgtest.New(t, "reporting", Migrate)
	pool := db.Pool(t)
	return &testEnv{Store: New(pool), t: t, db: db, pool: pool}
}

// producer creates the events of a partition, numbered and chained.
type producer struct {
	b             *testEnv
	partition     bus.Partition
	seq           int64
	hash          bus.Hash
	aggregateSeqs map[string]int64
}

func (b *testEnv) producer(p bus.Partition) *producer {
	return &producer{b: b, partition: p, aggregateSeqs: map[string]int64{}}
}

// event returns the next event of an aggregate. It decodes to the change, or to the error.
func (w *producer) event(aggregate string, change any) Event {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	var decode func() (Change, error)
	switch c := change.(type) {
	case fact.ReportEvent:
		decode = func() (Change, error) { return Change{Report: c}, nil }
	case fact.ActivityCounted:
		decode = func() (Change, error) { return Change{Activity: &c}, nil }
	case fact.IndicatorsCounted:
		decode = func() (Change, error) { return Change{Indicators: &c}, nil }
	case fact.CaseEvent:
		decode = func() (Change, error) { return Change{Case: c}, nil }
	case error:
		decode = func() (Change, error) { return Change{}, c }
	case func() (Change, error):
		decode = c
	default:
		w.b.t.Fatalf("not a change: %T", change)
	}
	w.b.changes = append(w.b.changes, decode)
	w.seq++
	w.aggregateSeqs[aggregate]++
	e := NewEvent(bus.Event{
		ID: uuid.NewString(), Type: "it.pari.test.v1", Partition: w.partition,
		Subject: aggregate, AggregateSeq: w.aggregateSeqs[aggregate], NodeSeq: w.seq, PrevHash: w.hash,
		Data: binary.BigEndian.AppendUint32(nil, uint32(len(w.b.changes)-1)),
	})
	w.hash = e.Hash
	return e
}

func (b *testEnv) decode(_ bus.Partition, _, _ string, data []byte) (Change, error) {
	b.mu.Lock()
	f := b.changes[binary.BigEndian.Uint32(data)]
	b.mu.Unlock()
	return f()
}

// mustApply applies events as one batch and fails the test on an error.
func (b *testEnv) mustApply(events ...Event) Result {
	b.t.Helper()
	batch := Batch{Region: events[0].Partition.Tenant.Region, Events: events, DrainLimit: 100}
	r, err := b.Apply(context.Background(), batch, b.decode, codes)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// checkCells fails the test unless the cells of a region equal a recount.
func (b *testEnv) checkCells(region string) {
	b.t.Helper()
	diff, err := b.CheckCells(context.Background(), region)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(diff) != 0 {
		b.t.Errorf("cells diff from facts: %v", diff)
	}
}

func (b *testEnv) partition(p bus.Partition) PartitionStatus {
	b.t.Helper()
	partitions, err := b.ListPartitions(context.Background(), p.Tenant.Region)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, found := range partitions[p.Tenant.Node] {
		if found.Source == p.Source {
			return found
		}
	}
	return PartitionStatus{}
}

func (b *testEnv) count(table string, year int, keys ...string) int64 {
	b.t.Helper()
	return b.countIn("lombardia", table, year, keys...)
}

func (b *testEnv) countIn(region, table string, year int, keys ...string) int64 {
	b.t.Helper()
	counts, _, err := b.GetCells(context.Background(), region, table, year)
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
	t.Run("every statement prepares", func(t *testing.T) { pgtest.PrepareStatements(t, b.pool) })
	t.Run("row security is forced everywhere", func(t *testing.T) { pgtest.RowSecurity(t, b.pool) })
	t.Run("the inbox is append-only", func(t *testing.T) { pgtest.AppendOnly(t, b.pool, "inbox") })
	t.Run("the service's role cannot rewrite what was applied", func(t *testing.T) {
		for _, sql := range []string{
			`update inbox set node_seq = 1`, `delete from inbox`, `delete from fact_report`, `delete from fact_case`,
			`delete from cell`, `delete from partition`, `update fact_action set code = ''`, `truncate unapplied_event`,
		} {
			err := b.inRegion(context.Background(), "lombardia", func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, sql)
				return err
			})
			wantForbidden(t, sql, err)
		}
	})
}

// wantForbidden checks that a grant or a policy forbade a statement.
func wantForbidden(t *testing.T, sql string, err error) {
	t.Helper()
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != insufficientPrivilege {
		t.Errorf("%s: %v, want SQLSTATE %s", sql, err, insufficientPrivilege)
	}
}

// insufficientPrivilege is the SQLSTATE of a statement that a grant or a policy forbids.
const insufficientPrivilege = "42501"

// Ensure that a transaction of one region neither sees nor writes rows of another, table by table.
func TestSchema_IsolatesRegions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, p := range []bus.Partition{cases, cuneo} {
		w := b.producer(p)
		b.mustApply(w.event("c1", fact.CaseOpened{Month: april}),
			w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"}), w.event("c1", ErrUnreadable))
	}
	b.mustApply(b.producer(intake).event("r1", fact.ReportCounted{Month: march}))
	ctx := context.Background()
	for _, table := range []string{"partition", "inbox", "unapplied_event", "fact_case", "fact_action", "cell"} {
		for region, other := range map[string]string{"lombardia": "piemonte", "piemonte": "lombardia"} {
			err := b.inRegion(ctx, region, func(ctx context.Context, tx pgx.Tx) error {
				var own, foreign int
				const count = `select count(*) filter (where region = $1), count(*) filter (where region <> $1) from `
				q := count + table
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
			_, err := tx.Exec(ctx, insertPartitions, "lombardia", []string{"milano"}, []string{"intake"})
			return err
		})
		wantForbidden(t, "insert", err)
	})
	t.Run("without a region no row is visible", func(t *testing.T) {
		var n int
		err := b.pool.QueryRow(ctx, `select count(*) from fact_case`).Scan(&n)
		if err == nil && n != 0 {
			t.Errorf("saw %d rows", n)
		}
	})
}

func TestApply_StoresFactsAndCells(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reports, files := b.producer(intake), b.producer(cases)
	first := fact.CaseClassified{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"ETHNIC"}, MainGround: "ETHNIC", Field: "WORK",
		Flags: []string{"ONLINE"},
	}
	second := fact.CaseClassified{Verdict: "CRIME", Grounds: []string{"AGE"}, MainGround: "AGE", Field: "HOUSE"}
	b.mustApply(
		reports.event("r1", fact.ReportCounted{Month: march, Channel: "DESK"}),
		reports.event("r2", fact.ReportCounted{Month: april}),
		files.event("c1", fact.CaseOpened{Month: april, Received: march, Channel: "DESK", ReporterRole: "VICTIM"}),
		files.event("c1", first),
		files.event("c2", fact.CaseOpened{Month: april}),
		files.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER", Result: "DONE"}),
	)
	b.checkCells("lombardia")
	b.mustApply(
		files.event("c1", second),
		files.event("c2", fact.CaseClassified{Restricted: true}),
		files.event("c1", fact.CaseClosed{Month: april, Outcome: "SOLVED", SecondaryOutcomes: []string{"LOST"}}),
	)
	b.checkCells("lombardia")
	for _, c := range []struct {
		want  int64
		table string
		keys  []string
	}{
		{2, fact.TableFlow, []string{fact.UnitReport, fact.Total, "cremona"}},
		{1, fact.TableFlow, []string{fact.UnitReport, "2026-03", fact.Total}},
		{0, fact.TableFlow, []string{fact.UnitPertinent, fact.Total, fact.Total}}, // until it was assessed again
		{1, fact.TableFlow, []string{fact.UnitCase, fact.Total, "cremona"}},       // the restricted one has no node
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
	p := b.partition(intake)
	if p.Acknowledged != 2 || p.Reports != 2 || p.Cases != 0 || p.Gaps() != 0 || p.LastSeen.IsZero() {
		t.Errorf("partition of intake: %+v", p)
	}
	if p := b.partition(cases); p.Acknowledged != 7 || p.Reports != 0 || p.Cases != 2 {
		t.Errorf("partition of casemanagement: %+v", p)
	}
}

// Ensure that restricting a case deletes its stored details and actions, and those of no other case.
func TestApply_RestrictedCaseLosesItsDetails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	milano := bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "milano"}, Source: "casemanagement"}
	w, other := b.producer(cases), b.producer(milano)
	action := func(w *producer, name, code string) Event {
		return w.event(name, fact.ActionRecorded{Month: april, Code: code})
	}
	opened := fact.CaseOpened{Month: april, Channel: "DESK"}
	b.mustApply(w.event("c1", opened), action(w, "c1", "LETTER"), w.event("c2", opened), action(w, "c2", "LETTER"))
	b.mustApply(other.event("c1", opened), action(other, "c1", "LETTER"))
	b.mustApply(action(w, "c1", "CALL"), w.event("c1", fact.CaseClassified{Restricted: true}), action(w, "c1", "VISIT"))
	const count = `select (select count(*) from fact_action where node = 'cremona' and pseudonym = 'c1'),
		(select count(*) from fact_case
		 where node = 'cremona' and pseudonym = 'c1' and (channel <> '' or actions <> 0)),
		(select count(*) from fact_action)`
	var actions, left, all int
	err := b.inRegion(context.Background(), "lombardia", func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, count).Scan(&actions, &left, &all)
	})
	if err != nil || actions != 0 || left != 0 || all != 2 {
		t.Errorf("%d actions and %d details left, %d actions in all, %v", actions, left, all, err)
	}
	b.checkCells("lombardia")
}

func TestStore_NodesAndHeartbeats(t *testing.T) {
	t.Parallel()
	homonym := tenant.ID{Region: "piemonte", Node: "cremona"}
	b := setup(t)
	ctx := context.Background()
	if err := b.AddNodes(ctx, []tenant.ID{cuneo.Tenant, homonym, intake.Tenant}); err != nil {
		t.Fatal(err)
	}
	if err := b.AddNodes(ctx, []tenant.ID{intake.Tenant}); err != nil {
		t.Fatal(err)
	}
	nodes, err := b.ListNodes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tenant.ID{intake.Tenant, homonym, cuneo.Tenant}, nodes); diff != "" {
		t.Error(diff)
	}
	at := nowUTC(t, b.pool)
	for _, h := range []Heartbeat{{intake, 7, 3, at}, {intake, 5, 1, at}} {
		if err := b.StoreHeartbeats(ctx, "lombardia", []Heartbeat{h}); err != nil {
			t.Fatal(err)
		}
	}
	p := b.partition(intake)
	if p.LastSeq != 7 || p.Pending != 1 || p.Gaps() != 7 || !p.LastSeen.Equal(at) {
		t.Errorf("got %+v", p)
	}
}
