package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

func nowUTC(t *testing.T, pool *pgxpool.Pool) time.Time {
	t.Helper()
	var at time.Time
	if err := pool.QueryRow(context.Background(), `select now()`).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// reports returns n reports.
func (w *producer) reports(n int) []Event {
	var events []Event
	for range n {
		events = append(events, w.event(fmt.Sprintf("r%d", w.seq+1), fact.ReportCounted{Month: march}))
	}
	return events
}

// Ensure a correction moves a count, a withdrawal takes it back, and neither counts twice nor before its report.
func TestApply_CorrectsAndWithdrawsReports(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(intake)
	count := func(month string) int64 {
		return b.count(fact.TableFlow, 2026, fact.UnitReport, month, fact.Total)
	}
	check := func(step string, march, april, reports int64) {
		t.Helper()
		if got := [3]int64{count("2026-03"), count("2026-04"), b.partition(intake).Reports}; got !=
			[3]int64{march, april, reports} {
			t.Errorf("%s: counts of March, April and the partition are %v", step, got)
		}
		b.checkCells("lombardia")
	}
	b.mustApply(w.event("r1", fact.ReportCounted{Month: march}), w.event("r2", fact.ReportCounted{Month: march}))
	check("counted", 2, 0, 2)
	corrected := w.event("r1", fact.ReportCorrected{Month: april, Channel: "PHONE"})
	b.mustApply(corrected, corrected)
	check("corrected", 1, 1, 2)
	withdrawn := w.event("r1", fact.ReportWithdrawn{})
	b.mustApply(withdrawn)
	b.mustApply(withdrawn)
	check("withdrawn", 1, 0, 1)
	// Ensure an event after a withdrawal, or before the report, counts nothing.
	r := b.mustApply(w.event("r1", fact.ReportCorrected{Month: april}), w.event("r3", fact.ReportWithdrawn{}))
	if r.Applied != 0 || r.Unapplied[ClassInvalid]+r.Unapplied[ClassOrder] != 2 {
		t.Errorf("got %+v", r)
	}
	check("afterwards", 1, 0, 1)
}

func TestApply_Sequence(t *testing.T) {
	t.Parallel()
	t.Run("counts duplicates and does not apply them", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.producer(intake).reports(3)
		b.mustApply(events...)
		r := b.mustApply(events[1], events[2], events[2])
		if r.Applied != 0 || r.Duplicates != 3 {
			t.Errorf("got %+v", r)
		}
		if p := b.partition(intake); p.Acknowledged != 3 || p.Duplicates != 3 || p.Reports != 3 {
			t.Errorf("partition %+v", p)
		}
	})
	t.Run("applies a shuffled batch in order", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.producer(intake).reports(20)
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		if r := b.mustApply(events...); r.Applied != 20 || len(r.Unapplied) != 0 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("buffers behind a gap, lists what is missing, applies when the gap closes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.producer(intake).reports(9)
		b.mustApply(events[0])
		r := b.mustApply(events[3], events[5], events[6])
		if r.Applied != 0 || r.Unapplied[ClassGap] != 3 {
			t.Errorf("got %+v", r)
		}
		missing, err := b.ListMissing(context.Background(), intake)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Range{{2, 3}, {5, 5}}, missing); diff != "" {
			t.Error(diff)
		}
		if p := b.partition(intake); p.LastSeq != 7 || p.Acknowledged != 1 || p.Buffered != 3 || p.Gaps() != 3 {
			t.Errorf("partition %+v", p)
		}
		if r := b.mustApply(events[3], events[2]); r.Duplicates != 1 || r.Unapplied[ClassGap] != 1 {
			t.Errorf("a buffered event arrived again: %+v", r)
		}
		if r := b.mustApply(events[1], events[4]); r.Applied != 6 {
			t.Errorf("the gap closed: %+v", r)
		}
		if p := b.partition(intake); p.Acknowledged != 7 || p.Buffered != 0 || p.Gaps() != 0 || p.Reports != 7 {
			t.Errorf("partition %+v", p)
		}
		b.checkCells("lombardia")
	})
	t.Run("drains a long buffer in pieces", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.producer(intake).reports(30)
		b.mustApply(events[1:]...)
		batch := Batch{Region: "lombardia", Events: events[:1], DrainLimit: 10}
		r, err := b.Apply(context.Background(), batch, b.decode, codes)
		if err != nil || r.Applied != 11 || !r.Offsets[0].More {
			t.Fatalf("got %+v, %v", r, err)
		}
		for more := true; more; more = r.Offsets[0].More {
			if r, err = b.Drain(context.Background(), intake, Batch{DrainLimit: 10}, b.decode, codes); err != nil {
				t.Fatal(err)
			}
		}
		if p := b.partition(intake); p.Acknowledged != 30 || p.Buffered != 0 {
			t.Errorf("partition %+v", p)
		}
	})
	t.Run("rejects a second event with a used number", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.mustApply(b.producer(intake).reports(2)...)
		if r := b.mustApply(b.producer(intake).reports(2)...); r.Rejected[ClassFork] != 2 || r.Duplicates != 0 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("rejects an event whose previous hash does not match", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first, other := b.producer(intake).reports(2), b.producer(intake).reports(2)
		b.mustApply(first[0])
		if r := b.mustApply(other[1]); r.Rejected[ClassChain] != 1 || r.Applied != 0 {
			t.Errorf("got %+v", r)
		}
		if r := b.mustApply(first[1]); r.Applied != 1 {
			t.Errorf("the true one came: %+v", r)
		}
	})
	t.Run("rejects a buffered event whose previous hash does not match", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first, other := b.producer(intake).reports(3), b.producer(intake).reports(3)
		b.mustApply(first[0], other[2])
		if r := b.mustApply(first[1]); r.Applied != 1 || r.Rejected[ClassChain] != 1 {
			t.Errorf("got %+v", r)
		}
		if r := b.mustApply(first[2]); r.Applied != 1 {
			t.Errorf("the true one came: %+v", r)
		}
		if p := b.partition(intake); p.Acknowledged != 3 || p.Buffered != 0 {
			t.Errorf("partition %+v", p)
		}
	})
	t.Run("rejects events that overflow the buffer", func(t *testing.T) {
		t.Parallel()
		o := offset{buffered: maxBuffered - 1}
		s := o.advance([]Event{numbered(5), numbered(6), numbered(7)}, nil)
		if len(s.buffered) != 1 || len(s.overflow) != 2 || o.buffered != maxBuffered || o.last != 7 {
			t.Errorf("%d buffered, %d rejected, %d buffered in all", len(s.buffered), len(s.overflow), o.buffered)
		}
	})
}

func numbered(seq int64) Event {
	var e Event
	e.NodeSeq = seq
	return e
}

func TestApply_DeadLetters(t *testing.T) {
	t.Parallel()
	opened := fact.CaseOpened{Month: april}
	for name, c := range map[string]struct {
		change any
		class  Class
	}{
		"unreadable":    {ErrUnreadable, ClassUnreadable},
		"foreign":       {ErrMismatch, ClassMismatch},
		"unknown code":  {fact.CaseClassified{Verdict: "UNKNOWN"}, ClassCode},
		"invalid":       {fact.CaseClassified{}, ClassInvalid},
		"out of order":  {opened, ClassOrder},
		"panics":        {func() (Change, error) { panic("with personal data") }, ClassInternal},
		"unknown error": {context.Canceled, ClassInternal},
	} {
		t.Run(name+" blocks its case only", func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.producer(cases)
			r := b.mustApply(
				w.event("c1", opened), w.event("c2", opened),
				w.event("c1", c.change), // number 3, dead-lettered
				w.event("c2", fact.CaseClosed{Month: april, Outcome: "SOLVED"}),
				w.event("c1", fact.CaseClosed{Month: april, Outcome: "SOLVED"}),
			)
			if r.Applied != 3 || r.Unapplied[c.class] != 1 || r.Unapplied[ClassBlocked] != 1 {
				t.Errorf("got %+v", r)
			}
			wantFailures(t, map[int64]Class{3: c.class}, r.Failures)
			// Later batches are blocked too.
			r = b.mustApply(w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"}), w.event("c3", opened))
			if r.Applied != 1 || r.Unapplied[ClassBlocked] != 1 {
				t.Errorf("later: %+v", r)
			}
			unapplied, err := b.ListUnapplied(context.Background(), cases)
			if err != nil {
				t.Fatal(err)
			}
			want := map[int64]Class{3: c.class, 5: ClassBlocked, 6: ClassBlocked}
			if diff := cmp.Diff(want, unapplied); diff != "" {
				t.Error(diff)
			}
			if p := b.partition(cases); p.Acknowledged != 7 || p.DeadLettered != 1 || p.Blocked != 2 || p.Gaps() != 0 {
				t.Errorf("partition %+v", p)
			}
			b.checkCells("lombardia")
		})
	}
}

// wantFailures checks the numbers and classes of failures of casemanagement, and that each has an error without
// content.
func wantFailures(t *testing.T, want map[int64]Class, failures []Failure) {
	t.Helper()
	got := map[int64]Class{}
	for _, f := range failures {
		got[f.NodeSeq] = f.Class
		if f.Partition != cases || f.Err == nil || strings.Contains(f.Err.Error(), "personal") {
			t.Errorf("failure %+v", f)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(failures) != len(want) {
		t.Errorf("%d failures: %s", len(failures), diff)
	}
}

// Ensure that dead-lettered, blocked and buffered events are counted apart.
func TestListPartitions_CountsUnappliedEventsByKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(cases)
	opened := fact.CaseOpened{Month: april}
	b.mustApply(w.event("c1", ErrUnreadable), w.event("c1", opened), w.event("c1", opened))
	_ = w.event("c2", opened) // never arrives
	b.mustApply(w.event("c3", opened), w.event("c4", opened), w.event("c5", opened), w.event("c6", opened))
	if p := b.partition(cases); p.DeadLettered != 1 || p.Blocked != 2 || p.Buffered != 4 {
		t.Errorf("partition %+v", p)
	}
	unapplied, err := b.ListUnapplied(context.Background(), cases)
	if err != nil || len(unapplied) != 7 {
		t.Errorf("unapplied %v, %v", unapplied, err)
	}
}

// Ensure that an effect that the database rejects is a permanent error, is rolled back, and can be dead-lettered.
func TestApply_RejectedEffect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	execAsOwner(t, b.db.OwnerURL, `alter table fact_report add constraint no_letters check (channel <> 'LETTER')`)
	w := b.producer(intake)
	events := w.reports(2)
	bad := w.event("bad", fact.ReportCounted{Month: march, Channel: "LETTER"})
	ctx := context.Background()
	_, err := b.Apply(ctx, Batch{Region: "lombardia", Events: append(events, bad)}, b.decode, codes)
	if !Permanent(err) {
		t.Fatalf("got %v", err)
	}
	if p := b.partition(intake); p.Acknowledged != 0 {
		t.Errorf("a rejected batch left %+v", p)
	}
	b.mustApply(events...)
	if _, err := b.Apply(ctx, Batch{Region: "lombardia", Events: []Event{bad}}, b.decode, codes); !Permanent(err) {
		t.Fatalf("got %v", err)
	}
	batch := Batch{Region: "lombardia", Events: []Event{bad}, DeadLetter: bad.NodeSeq}
	r, err := b.Apply(ctx, batch, b.decode, codes)
	if err != nil || r.Unapplied[ClassDatabase] != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if p := b.partition(intake); p.Acknowledged != 3 || p.DeadLettered != 1 || p.Reports != 2 {
		t.Errorf("partition %+v", p)
	}
}

func execAsOwner(t *testing.T, ownerURL, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), ownerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

// Ensure that a case blocked by an unknown code is applied, in order, once the code is known.
func TestReprocess(t *testing.T) {
	t.Parallel()
	opened := fact.CaseOpened{Month: april}
	strict := func(unknown ...string) fact.Codes {
		return func(list, code string) (string, bool) {
			for _, u := range unknown {
				if code == u {
					return "", false
				}
			}
			return codes(list, code)
		}
	}
	b := setup(t)
	w := b.producer(cases)
	closed := fact.CaseClosed{Month: april, Outcome: "SOLVED"}
	batch := Batch{Region: "lombardia", Events: []Event{
		w.event("c1", opened), w.event("c1", fact.CaseClassified{Verdict: "NEW"}), w.event("c1", closed),
		w.event("c2", opened), w.event("c2", fact.CaseClassified{Verdict: "WORSE"}), w.event("c2", closed),
		w.event("c3", fact.CaseClassified{Verdict: "NEW"}),
	}}
	if _, err := b.Apply(context.Background(), batch, b.decode, strict("NEW", "WORSE")); err != nil {
		t.Fatal(err)
	}
	if p := b.partition(cases); p.DeadLettered != 3 || p.Blocked != 2 || p.Acknowledged != 7 {
		t.Fatalf("partition %+v", p)
	}
	r, err := b.Reprocess(context.Background(), "lombardia", b.decode, strict("WORSE"))
	if err != nil || r.Applied != 2 {
		t.Fatalf("got %+v, %v", r, err)
	}
	wantFailures(t, map[int64]Class{5: ClassCode, 7: ClassOrder}, r.Failures)
	unapplied, err := b.ListUnapplied(context.Background(), cases)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int64]Class{5: ClassCode, 6: ClassBlocked, 7: ClassOrder}, unapplied); diff != "" {
		t.Error(diff)
	}
	b.checkCells("lombardia")
	// From now on c1 is not blocked.
	if r := b.mustApply(w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"})); r.Applied != 1 {
		t.Errorf("after reprocessing: %+v", r)
	}
	if got := b.count(fact.TableOutcomes, 2026, fact.Total, fact.Total); got != 1 {
		t.Errorf("%d closed cases", got)
	}
}

// Ensure that what is stored and listed of a partition is its own, beside others of the same node and source.
func TestPartitions_AreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	milano := bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "milano"}, Source: "casemanagement"}
	partitions := []bus.Partition{intake, cases, milano}
	for i, p := range partitions {
		w, n := b.producer(p), i+1
		for k := range n {
			b.mustApply(w.event(fmt.Sprintf("a%d", k), ErrUnreadable))
		}
		for range n {
			w.event("not sent", ErrUnreadable)
		}
		b.mustApply(w.event("buffered", ErrUnreadable))
	}
	for i, p := range partitions {
		n := int64(i + 1)
		got := b.partition(p)
		if got.Acknowledged != n || got.DeadLettered != n || got.Buffered != 1 || got.LastSeq != 2*n+1 {
			t.Errorf("partition %+v, want %d events acknowledged", got, n)
		}
		unapplied, err := b.ListUnapplied(ctx, p)
		if err != nil || int64(len(unapplied)) != n+1 { // one is buffered
			t.Errorf("%v are unapplied, want %d dead-lettered: %v", unapplied, n, err)
		}
		missing, err := b.ListMissing(ctx, p)
		if diff := cmp.Diff([]Range{{n + 1, 2 * n}}, missing); err != nil || diff != "" {
			t.Errorf("missing: %v\n%s", err, diff)
		}
	}
}

// Ensure that a partition takes only its own events out of the buffer, beside others with the same numbers.
func TestPartitions_BuffersAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	milano := bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "milano"}, Source: "casemanagement"}
	partitions := []bus.Partition{intake, cases, milano}
	var first, second []Event
	for _, p := range partitions {
		w := b.producer(p)
		if p == intake {
			first = append(first, w.event("a", fact.ReportCounted{Month: march}))
			second = append(second, w.event("b", fact.ReportCounted{Month: march}))
			continue
		}
		first = append(first, w.event("a", fact.CaseOpened{Month: april}))
		second = append(second, w.event("b", fact.CaseOpened{Month: april}))
	}
	for _, e := range second {
		b.mustApply(e)
	}
	for i, e := range second {
		if r := b.mustApply(e); r.Duplicates != 1 || r.Rejected[ClassFork] != 0 {
			t.Errorf("%v: the buffered event arrived again: %+v", partitions[i], r)
		}
	}
	for i, e := range first {
		if r := b.mustApply(e); r.Applied != 2 {
			t.Errorf("%v: the gap closed: %+v", partitions[i], r)
		}
		for k, p := range partitions {
			got := b.partition(p)
			if closed := k <= i; closed != (got.Buffered == 0) || closed != (got.Acknowledged == 2) {
				t.Errorf("after %v: %v is %+v", partitions[i], p, got)
			}
		}
	}
	b.checkCells("lombardia")
}

// Ensure that a dead-lettered event is applied again without the buffered ones of its case: the gap is still open.
func TestReprocess_LeavesBufferedEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(cases)
	b.mustApply(w.event("c1", fact.CaseOpened{Month: april, Channel: "UNKNOWN"}))
	missing := w.event("c2", fact.CaseOpened{Month: april})
	b.mustApply(w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"}))
	all := func(_, code string) (string, bool) { return "G_" + code, true }
	recovered, err := b.Reprocess(context.Background(), "lombardia", b.decode, all)
	if p := b.partition(cases); err != nil || recovered.Applied != 1 || p.Buffered != 1 || p.DeadLettered != 0 {
		t.Errorf("%+v, %v: partition %+v", recovered, err, p)
	}
	b.mustApply(missing)
	if p := b.partition(cases); p.Acknowledged != 3 || p.Buffered != 0 || p.DeadLettered != 0 || p.Cases != 2 {
		t.Errorf("partition %+v", p)
	}
	b.checkCells("lombardia")
}

// Ensure that what still fails does not keep later cases from being applied again.
func TestReprocess_ReachesEveryCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.producer(cases)
	var events []Event
	for i := range reprocessAggregates + 5 {
		events = append(events, w.event(fmt.Sprintf("a%d", i), ErrUnreadable))
	}
	b.mustApply(append(events, w.event("b", fact.CaseOpened{Month: april, Channel: "UNKNOWN"}))...)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	all := func(_, code string) (string, bool) { return "G_" + code, true }
	if recovered, err := b.Reprocess(ctx, "lombardia", b.decode, all); err != nil || recovered.Applied != 1 {
		t.Errorf("%+v, %v", recovered, err)
	}
}

// Ensure an aggregate is kept apart from those of the same name in other partitions.
func TestReprocess_KeepsPartitionsApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	milano := cases
	milano.Tenant.Node = "milano"
	var events []Event
	for _, p := range []bus.Partition{cases, milano} {
		w := b.producer(p)
		classified := fact.CaseClassified{Verdict: "UNKNOWN"}
		events = append(events, w.event("same", fact.CaseOpened{Month: april}), w.event("same", classified))
	}
	events = append(events, b.producer(intake).event("same", fact.ReportCounted{Month: april, Channel: "UNKNOWN"}))
	if r := b.mustApply(events...); r.Applied != 2 || r.Unapplied[ClassCode] != 3 {
		t.Fatalf("got %+v", r)
	}
	all := func(_, code string) (string, bool) { return "G_" + code, true }
	r, err := b.Reprocess(context.Background(), "lombardia", b.decode, all)
	if err != nil || r.Applied != 3 || len(r.Failures) != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, p := range []bus.Partition{cases, milano, intake} {
		if left := b.partition(p); left.DeadLettered+left.Blocked != 0 {
			t.Errorf("%v: left %+v", p, left)
		}
	}
	b.checkCells("lombardia")
}

// Ensure that duplicated, reordered and split deliveries of a partition end in the same state as delivery in order.
func TestApply_IsIndependentOfDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		p := cases
		p.Tenant.Node = fmt.Sprintf("node%d", run)
		w := b.producer(p)
		var events []Event
		for range rapid.IntRange(1, 14).Draw(t, "events") {
			at := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "case")
			var change any
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0, 1:
				change = fact.CaseOpened{Month: march}
			case 2:
				change = fact.CaseClassified{Verdict: "PERTINENT_LEGAL", Grounds: []string{"AGE"}, MainGround: "AGE"}
			case 3:
				change = fact.CaseClassified{Restricted: true}
			case 4:
				change = fact.CaseClassified{Verdict: "UNKNOWN"}
			default:
				change = fact.CaseClosed{Month: april, Outcome: "SOLVED"}
			}
			events = append(events, w.event(at, change))
		}
		sent := append([]Event(nil), events...)
		for range rapid.IntRange(0, 8).Draw(t, "duplicates") {
			sent = append(sent, rapid.SampledFrom(events).Draw(t, "duplicate"))
		}
		sent = rapid.Permutation(sent).Draw(t, "order")
		applied := 0
		for len(sent) > 0 {
			n := rapid.IntRange(1, len(sent)).Draw(t, "size")
			batch := Batch{
				Region: p.Tenant.Region, Events: sent[:n], DrainLimit: rapid.IntRange(1, 20).Draw(t, "drain limit"),
			}
			r, err := b.Apply(context.Background(), batch, b.decode, codes)
			if err != nil {
				t.Fatal(err)
			}
			applied += r.Applied
			for r.Offsets[0].More {
				if r, err = b.Drain(context.Background(), p, Batch{DrainLimit: 3}, b.decode, codes); err != nil {
					t.Fatal(err)
				}
				applied += r.Applied
			}
			sent = sent[n:]
		}
		blocked, facts, want := map[string]bool{}, map[string]fact.Case{}, 0
		for _, e := range events {
			c, _ := b.decode(bus.Partition{}, "", "", e.Data)
			next, err := facts[e.Subject].Apply(e.AggregateSeq, c.Case, codes)
			if blocked[e.Subject] || err != nil {
				blocked[e.Subject] = true
				continue
			}
			facts[e.Subject] = next
			want++
		}
		partitions, err := b.ListPartitions(context.Background(), p.Tenant.Region)
		if err != nil {
			t.Fatal(err)
		}
		got := partitions[p.Tenant.Node][0]
		complete := got.Acknowledged == int64(len(events)) && got.Buffered == 0 && got.Cases == int64(len(facts))
		if !complete || got.DeadLettered+got.Blocked != int64(len(events)-want) || applied != want {
			t.Fatalf("%d events, %d of them valid, %d applied: partition %+v", len(events), want, applied, got)
		}
	})
	b.checkCells("lombardia")
}
