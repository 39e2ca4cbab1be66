package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// BenchmarkApply applies reports and case events, as a node sends them, on a Postgres with durable settings.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch_%d", size), func(b *testing.B) {
			s := durable(b)
			w, reports := s.producer(cases), s.producer(intake)
			report := fact.ReportCounted{Month: march, Channel: "DESK", ReporterRole: "VICTIM"}
			classified := fact.CaseClassified{
				Verdict: "PERTINENT_LEGAL", Grounds: []string{"ETHNIC"}, MainGround: "ETHNIC", Field: "WORK",
				Type: "DIRECT",
			}
			var events []Event
			for i := range b.N {
				if i%2 == 0 {
					events = append(events, reports.event(fmt.Sprintf("r%d", i), report))
					continue
				}
				at := fmt.Sprintf("c%d", i/8)
				switch i / 2 % 4 {
				case 0:
					events = append(events, w.event(at, fact.CaseOpened{Month: march, Channel: "DESK"}))
				case 1:
					events = append(events, w.event(at, classified))
				case 2:
					action := fact.ActionRecorded{Month: april, Code: "LETTER", Result: "DONE"}
					events = append(events, w.event(at, action))
				default:
					events = append(events, w.event(at, fact.CaseClosed{Month: april, Outcome: "SOLVED"}))
				}
			}
			b.ResetTimer()
			for start := 0; start < len(events); start += size {
				part := events[start:min(start+size, len(events))]
				batch := Batch{Region: "lombardia", Events: part, DrainLimit: 100}
				r, err := s.Apply(context.Background(), batch, s.decode, codes)
				if err != nil || r.Applied != len(part) {
					b.Fatalf("%+v, %v", r, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.StopTimer()
			s.checkCells("lombardia")
		})
	}
}

func durable(b *testing.B) *testEnv {
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
	return &testEnv{Store: New(pool), t: b, pool: pool}
}
