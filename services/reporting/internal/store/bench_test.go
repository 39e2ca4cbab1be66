package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// BenchmarkApply takes in events as they come from a node, a report or a step of a case each, on a Postgres with its
// durable defaults.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch_%d", size), func(b *testing.B) {
			s := durable(b)
			w, reports := s.wire(cases), s.wire(intake)
			var events []Event
			for i := range b.N {
				if i%2 == 0 {
					events = append(events, reports.event(fmt.Sprintf("r%d", i), fact.ReportCounted{Month: march, Channel: "DESK", ReporterRole: "VICTIM"}))
					continue
				}
				at := fmt.Sprintf("c%d", i/8)
				switch i / 2 % 4 {
				case 0:
					events = append(events, w.event(at, fact.CaseOpened{Month: march, Channel: "DESK"}))
				case 1:
					events = append(events, w.event(at, fact.CaseClassified{Verdict: "PERTINENT_LEGAL", Grounds: []string{"ETHNIC"}, MainGround: "ETHNIC", Field: "WORK", Type: "DIRECT"}))
				case 2:
					events = append(events, w.event(at, fact.ActionRecorded{Month: april, Code: "LETTER", Result: "DONE"}))
				default:
					events = append(events, w.event(at, fact.CaseClosed{Month: april, Outcome: "SOLVED"}))
				}
			}
			b.ResetTimer()
			for start := 0; start < len(events); start += size {
				part := events[start:min(start+size, len(events))]
				r, err := s.Apply(context.Background(), Batch{Region: "lombardia", Events: part, Waiting: 100}, s.read, codes)
				if err != nil || r.Applied != len(part) {
					b.Fatalf("%+v, %v", r, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.StopTimer()
			s.sound("lombardia")
		})
	}
}

func durable(b *testing.B) *bundle {
	b.Helper()
	ctx := context.Background()
	server, err := pglocal.Start(ctx, pglocal.Options{Dir: b.TempDir(), Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Stop)
	if err := server.Provision(ctx, "reporting"); err != nil {
		b.Fatal(err)
	}
	if err := Migrate(ctx, server.URL(pglocal.Owner, "reporting")); err != nil {
		b.Fatal(err)
	}
	pool, err := pg.Connect(ctx, server.URL(pglocal.App, "reporting"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return &bundle{Store: New(pool), t: b, pool: pool}
}
