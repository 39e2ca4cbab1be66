package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
)

var insertHistory = pg.InsertInto("report_history", "tenant", "report_id", "version", "at", "person", "actor_tenant",
	"system", "what", "from_state", "to_state")

// historyRows returns the unsaved history of a report as rows for insertHistory.
func historyRows(r *report.Report) (rows [][]any) {
	for _, h := range r.UnsavedHistory() {
		rows = append(rows, []any{
			r.Tenant, r.ID, h.Version, h.At, h.By.Person, h.By.Tenant, h.By.System, h.What, h.From, h.To,
		})
	}
	return rows
}

const selectHistory = `select version, at, person, actor_tenant, system, what, from_state, to_state
	from report_history where tenant = $1 and report_id = $2 order by version`

func queryHistory(ctx context.Context, tx pgx.Tx, t tenant.ID, reportID string) ([]report.HistoryEntry, error) {
	rows, err := tx.Query(ctx, selectHistory, t, reportID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (report.HistoryEntry, error) {
		var h report.HistoryEntry
		err := row.Scan(&h.Version, &h.At, &h.By.Person, &h.By.Tenant, &h.By.System, &h.What, &h.From, &h.To)
		h.At = h.At.UTC()
		return h, err
	})
}
