package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

const insertHistory = `insert into case_history (tenant, case_id, version, at, person, actor_tenant, system, what,
	from_state, to_state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

func queueHistory(b *pgx.Batch, c *casefile.Case) {
	for _, h := range c.UnsavedHistory() {
		b.Queue(insertHistory, c.Tenant, c.ID, h.Version, h.At, h.By.Person, h.By.Tenant, h.By.System, h.What, h.From,
			h.To)
	}
}

const selectHistory = `select version, at, person, actor_tenant, system, what, from_state, to_state
	from case_history where tenant = $1 and case_id = $2 order by version`

func queryHistory(ctx context.Context, tx pgx.Tx, t tenant.ID, caseID string) ([]casefile.HistoryEntry, error) {
	rows, err := tx.Query(ctx, selectHistory, t, caseID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (casefile.HistoryEntry, error) {
		var h casefile.HistoryEntry
		err := row.Scan(&h.Version, &h.At, &h.By.Person, &h.By.Tenant, &h.By.System, &h.What, &h.From, &h.To)
		h.At = h.At.UTC()
		return h, err
	})
}

// queueEvents appends the unsaved events to the outbox. Call it last: their numbers are valid only under the case's
// lock, or in the transaction that inserts the case.
func (s *Cases) queueEvents(ctx context.Context, b *pgx.Batch, c *casefile.Case) error {
	for _, e := range c.UnsavedEvents() {
		event, err := s.encodeEvent(c, e)
		if err != nil {
			return err
		}
		if err := outbox.Queue(ctx, b, event); err != nil {
			return err
		}
	}
	return nil
}
