package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/retepari/pari/pkg/bus"
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

// reports writes n reports, numbered from 1.
func (w *wire) reports(n int) []Event {
	var events []Event
	for range n {
		events = append(events, w.event(fmt.Sprintf("r%d", w.seq+1), fact.ReportCounted{Month: march}))
	}
	return events
}

func TestApply_Sequence(t *testing.T) {
	t.Parallel()
	t.Run("counts what comes again and gives it no effect", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.wire(intake).reports(3)
		b.take(events...)
		r := b.take(events[1], events[2], events[2])
		if r.Applied != 0 || r.Duplicates != 3 {
			t.Errorf("got %+v", r)
		}
		if l := b.line(intake); l.Applied != 3 || l.Duplicates != 3 || l.Reports != 3 {
			t.Errorf("line %+v", l)
		}
	})
	t.Run("puts a shuffled batch in order", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.wire(intake).reports(20)
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		if r := b.take(events...); r.Applied != 20 || len(r.Parked) != 0 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("parks behind a gap, says what is missing, goes on when it closes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.wire(intake).reports(9)
		b.take(events[0])
		r := b.take(events[3], events[5], events[6])
		if r.Applied != 0 || r.Parked[Gap] != 3 {
			t.Errorf("got %+v", r)
		}
		missing, err := b.Missing(context.Background(), intake)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Range{{2, 3}, {5, 5}}, missing); diff != "" {
			t.Error(diff)
		}
		if l := b.line(intake); l.LastSeq != 7 || l.Applied != 1 || l.Waiting != 3 || l.Gaps() != 3 {
			t.Errorf("line %+v", l)
		}
		if r := b.take(events[3], events[2]); r.Duplicates != 1 || r.Parked[Gap] != 1 {
			t.Errorf("an event that waits came again: %+v", r)
		}
		if r := b.take(events[1], events[4]); r.Applied != 6 {
			t.Errorf("the gap closed: %+v", r)
		}
		if l := b.line(intake); l.Applied != 7 || l.Waiting != 0 || l.Gaps() != 0 || l.Reports != 7 {
			t.Errorf("line %+v", l)
		}
		b.sound("lombardia")
	})
	t.Run("drains a long wait in pieces", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		events := b.wire(intake).reports(30)
		b.take(events[1:]...)
		r, err := b.Apply(context.Background(), Batch{Region: "lombardia", Events: events[:1], Waiting: 10}, b.read, codes)
		if err != nil || r.Applied != 11 || !r.Lines[0].More {
			t.Fatalf("got %+v, %v", r, err)
		}
		for more := true; more; more = r.Lines[0].More {
			if r, err = b.Drain(context.Background(), intake, Batch{Waiting: 10}, b.read, codes); err != nil {
				t.Fatal(err)
			}
		}
		if l := b.line(intake); l.Applied != 30 || l.Waiting != 0 {
			t.Errorf("line %+v", l)
		}
	})
	t.Run("refuses a second event under an old number", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.take(b.wire(intake).reports(2)...)
		if r := b.take(b.wire(intake).reports(2)...); r.Refused[Fork] != 2 || r.Duplicates != 0 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("refuses an event that does not follow the one before", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first, other := b.wire(intake).reports(2), b.wire(intake).reports(2)
		b.take(first[0])
		if r := b.take(other[1]); r.Refused[Chain] != 1 || r.Applied != 0 {
			t.Errorf("got %+v", r)
		}
		if r := b.take(first[1]); r.Applied != 1 {
			t.Errorf("the true one came: %+v", r)
		}
	})
	t.Run("drops a parked event that turns out not to follow", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first, other := b.wire(intake).reports(3), b.wire(intake).reports(3)
		b.take(first[0], other[2])
		if r := b.take(first[1]); r.Applied != 1 || r.Refused[Chain] != 1 {
			t.Errorf("got %+v", r)
		}
		if r := b.take(first[2]); r.Applied != 1 {
			t.Errorf("the true one came: %+v", r)
		}
		if l := b.line(intake); l.Applied != 3 || l.Waiting != 0 {
			t.Errorf("line %+v", l)
		}
	})
	t.Run("lets go what is too much to wait", func(t *testing.T) {
		t.Parallel()
		p := position{waiting: maxWaiting - 1}
		s := p.walk([]Event{ev(5), ev(6), ev(7)}, nil)
		if len(s.gap) != 1 || len(s.room) != 2 || p.waiting != maxWaiting || p.last != 7 {
			t.Errorf("%d wait, %d do not, %d in all", len(s.gap), len(s.room), p.waiting)
		}
	})
}

func ev(seq int64) Event {
	var e Event
	e.NodeSeq = seq
	return e
}

func TestApply_Poison(t *testing.T) {
	t.Parallel()
	opened := fact.CaseOpened{Month: april}
	for name, c := range map[string]struct {
		change any
		class  Class
	}{
		"unreadable":    {ErrUnreadable, Unreadable},
		"foreign":       {ErrForeign, Foreign},
		"unknown code":  {fact.CaseClassified{Verdict: "UNKNOWN"}, Code},
		"invalid":       {fact.CaseClassified{}, Invalid},
		"out of order":  {opened, Order},
		"panics":        {func() (Change, error) { panic("with something a person told") }, Bug},
		"unknown error": {context.Canceled, Bug},
	} {
		t.Run(name+" parks its case only", func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.wire(cases)
			r := b.take(
				w.event("c1", opened), w.event("c2", opened),
				w.event("c1", c.change), // the poison, number 3
				w.event("c2", fact.CaseClosed{Month: april, Outcome: "SOLVED"}),
				w.event("c1", fact.CaseClosed{Month: april, Outcome: "SOLVED"}),
			)
			if r.Applied != 3 || r.Parked[c.class] != 1 || r.Parked[Behind] != 1 {
				t.Errorf("got %+v", r)
			}
			// A later batch knows about it too.
			r = b.take(w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"}), w.event("c3", opened))
			if r.Applied != 1 || r.Parked[Behind] != 1 {
				t.Errorf("later: %+v", r)
			}
			refused, err := b.Refused(context.Background(), cases)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[int64]Class{3: c.class, 5: Behind, 6: Behind}, refused); diff != "" {
				t.Error(diff)
			}
			if l := b.line(cases); l.Applied != 7 || l.Refused != 3 || l.Gaps() != 0 {
				t.Errorf("line %+v", l)
			}
			b.sound("lombardia")
		})
	}
}

// Ensure that what the database refuses is named as such, leaves nothing behind, and can be parked.
func TestApply_RefusedEffect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refuse(t, b.db.OwnerURL, `alter table fact_report add constraint no_letters check (channel <> 'LETTER')`)
	w := b.wire(intake)
	events := w.reports(2)
	bad := w.event("bad", fact.ReportCounted{Month: march, Channel: "LETTER"})
	ctx := context.Background()
	_, err := b.Apply(ctx, Batch{Region: "lombardia", Events: append(events, bad)}, b.read, codes)
	if !Permanent(err) {
		t.Fatalf("got %v", err)
	}
	if l := b.line(intake); l.Applied != 0 {
		t.Errorf("a refused batch left %+v", l)
	}
	b.take(events...)
	if _, err := b.Apply(ctx, Batch{Region: "lombardia", Events: []Event{bad}}, b.read, codes); !Permanent(err) {
		t.Fatalf("got %v", err)
	}
	r, err := b.Apply(ctx, Batch{Region: "lombardia", Events: []Event{bad}, Refuse: bad.NodeSeq}, b.read, codes)
	if err != nil || r.Parked[Effect] != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if l := b.line(intake); l.Applied != 3 || l.Refused != 1 || l.Reports != 2 {
		t.Errorf("line %+v", l)
	}
}

func refuse(t *testing.T, ownerURL, sql string) {
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

// Ensure that a case parked for a code that was not known is mended, in order, when the code is.
func TestRedrive(t *testing.T) {
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
	w := b.wire(cases)
	if _, err := b.Apply(context.Background(), Batch{Region: "lombardia", Events: []Event{
		w.event("c1", opened), w.event("c1", fact.CaseClassified{Verdict: "NEW"}), w.event("c1", fact.CaseClosed{Month: april, Outcome: "SOLVED"}),
		w.event("c2", opened), w.event("c2", fact.CaseClassified{Verdict: "WORSE"}), w.event("c2", fact.CaseClosed{Month: april, Outcome: "SOLVED"}),
		w.event("c3", fact.CaseClassified{Verdict: "NEW"}),
	}}, b.read, strict("NEW", "WORSE")); err != nil {
		t.Fatal(err)
	}
	if l := b.line(cases); l.Refused != 5 || l.Applied != 7 {
		t.Fatalf("line %+v", l)
	}
	healed, err := b.Redrive(context.Background(), "lombardia", b.read, strict("WORSE"))
	if err != nil || healed != 2 {
		t.Fatalf("%d healed, %v", healed, err)
	}
	refused, err := b.Refused(context.Background(), cases)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int64]Class{5: Code, 6: Behind, 7: Order}, refused); diff != "" {
		t.Error(diff)
	}
	b.sound("lombardia")
	// From now on c1 goes on as if nothing had been.
	if r := b.take(w.event("c1", fact.ActionRecorded{Month: april, Code: "LETTER"})); r.Applied != 1 {
		t.Errorf("after the redrive: %+v", r)
	}
	if got := b.count(fact.TableOutcomes, 2026, fact.Total, fact.Total); got != 1 {
		t.Errorf("%d closed cases", got)
	}
}

// Ensure that however a line's events come (again, out of order, in pieces), the end is the one of the plain order.
func TestApply_AnyDeliveryEndsTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		line := cases
		line.Node = fmt.Sprintf("node%d", run)
		w := b.wire(line)
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
				change = fact.CaseClassified{Sealed: true}
			case 4:
				change = fact.CaseClassified{Verdict: "UNKNOWN"}
			default:
				change = fact.CaseClosed{Month: april, Outcome: "SOLVED"}
			}
			events = append(events, w.event(at, change))
		}
		sent := append([]Event(nil), events...)
		for range rapid.IntRange(0, 8).Draw(t, "again") {
			sent = append(sent, rapid.SampledFrom(events).Draw(t, "which"))
		}
		sent = rapid.Permutation(sent).Draw(t, "order")
		applied := 0
		for len(sent) > 0 {
			n := rapid.IntRange(1, len(sent)).Draw(t, "piece")
			r, err := b.Apply(context.Background(), Batch{Region: line.Region, Events: sent[:n], Waiting: rapid.IntRange(1, 20).Draw(t, "waiting")}, b.read, codes)
			if err != nil {
				t.Fatal(err)
			}
			applied += r.Applied
			for r.Lines[0].More {
				if r, err = b.Drain(context.Background(), line, Batch{Waiting: 3}, b.read, codes); err != nil {
					t.Fatal(err)
				}
				applied += r.Applied
			}
			sent = sent[n:]
		}
		blocked, facts, want := map[string]bool{}, map[string]fact.Case{}, 0
		for _, e := range events {
			c, _ := b.read(bus.Partition{}, "", "", e.Data)
			next, err := facts[e.Subject].Apply(e.AggregateSeq, c.Case, codes)
			if blocked[e.Subject] || err != nil {
				blocked[e.Subject] = true
				continue
			}
			facts[e.Subject] = next
			want++
		}
		lines, err := b.Lines(context.Background(), line.Region)
		if err != nil {
			t.Fatal(err)
		}
		l := lines[line.Node][0]
		if l.Applied != int64(len(events)) || l.Waiting != 0 || l.Refused != int64(len(events)-want) || applied != want || l.Cases != int64(len(facts)) {
			t.Fatalf("%d events, %d of them good, %d applied: line %+v", len(events), want, applied, l)
		}
	})
	b.sound("lombardia")
}
