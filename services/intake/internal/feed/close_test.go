package feed_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Ensure the count of an anonymous report leaves when its day has closed in Italy, and at once only where days close
// early.
func TestDayCloser(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 11, 23, 22, 59, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		at    time.Time
		every time.Duration
		want  int
	}{
		"the same evening":            {evening, 0, 0},
		"midnight in Italy":           {evening.Add(time.Minute), 0, 0},
		"before the delay has passed": {evening.Add(15*time.Minute + 59*time.Second), 0, 0},
		"a quarter past midnight":     {evening.Add(16 * time.Minute), 0, 1},
		"the same evening, early":     {evening, time.Second, 1},
		"after midnight, and early":   {evening.Add(time.Minute), time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t, "intake", store.Migrate).Pool(t)
			reports := store.New(pool)
			coded := report.CodedContent{
				Channel: "WEB_FORM", ReporterRole: "VICTIM", Anonymous: true, Grounds: []string{"SEX"},
			}
			r := report.Receive(uuid.NewString(), "n", cremona, coded, report.Actor{Tenant: cremona}, evening)
			event, err := feed.EncodeCount(r, pseudonym, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := reports.Submit(t.Context(), store.Submission{
				Report: r, Sealed: []byte("c"),
				ReceiptLookup: []byte("r"), Event: event,
				Request: idempotency.Request{Key: []byte("k"), Method: "m", BodyHash: []byte("b")},
			}); err != nil {
				t.Fatal(err)
			}
			woken := 0
			closer := &feed.DayCloser{
				Reports: reports, Tenants: []tenant.ID{cremona}, Every: c.every, WakeRelay: func() { woken++ },
				Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return c.at },
			}
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			if err := closer.Run(canceled); err != nil { // it ends with its context, also when the database is away
				t.Error(err)
			}
			for range 2 {
				closer.Close(t.Context(), cremona)
			}
			var events int
			err = pg.InTenant(t.Context(), pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
				return tx.QueryRow(ctx, `select count(*) from outbox`).Scan(&events)
			})
			if err != nil || events != c.want || woken != c.want {
				t.Errorf("%d events, the relay was woken %d times, %v; want %d", events, woken, err, c.want)
			}
		})
	}
}
