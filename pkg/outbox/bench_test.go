package outbox_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/pg"
)

const insertBacklog = `insert into outbox (tenant, event_id, type, aggregate, aggregate_seq, data, traceparent)
	select 'lombardia/cremona', gen_random_uuid(), 'it.pari.case.opened.v1', gen_random_uuid(), 1,
		convert_to(repeat('x', 300), 'UTF8'), ''
	from generate_series(1, $1) i`

// BenchmarkRelay measures how fast a backlog reaches the hub's disk: numbered, signed, sent through leaf and link,
// acknowledged by a hub that syncs every message, and recorded. It runs with and without a durable database.
func BenchmarkRelay(b *testing.B) {
	for name, durable := range map[string]bool{"durable": true, "volatile": false} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			s, err := pglocal.Start(ctx, pglocal.Options{Dir: b.TempDir(), Durable: durable})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Stop()
			if err := s.Provision(ctx, "bench"); err != nil {
				b.Fatal(err)
			}
			if err := migrateOutbox(ctx, s.URL(pglocal.Owner, "bench")); err != nil {
				b.Fatal(err)
			}
			pool, err := pg.Connect(ctx, s.URL(pglocal.App, "bench"))
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			err = pg.InTenant(ctx, pool, partition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, insertBacklog, b.N)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			e := &env{t: b, db: pool, net: bustest.New(b, bustest.Cremona)}
			e.net.AnswerHeartbeats()
			c := e.config()
			b.ResetTimer()
			r, stop := e.start(c)
			bustest.Eventually(b, func() bool { return r.Status().Published == int64(b.N) })
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			stop()
		})
	}
}
