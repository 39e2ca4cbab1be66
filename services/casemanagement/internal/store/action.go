package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

const insertAction = `insert into action (tenant, case_id, action_id, version, code, result, referral_target, minutes,
	note, at, person, actor_tenant, system) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

func queueActions(b *pgx.Batch, c *casefile.Case) {
	for _, a := range c.UnsavedActions() {
		b.Queue(insertAction, c.Tenant, c.ID, a.ID, c.Version, a.Code, a.Result, a.ReferralTarget, a.Minutes,
			a.SealedNote, a.At, a.By.Person, a.By.Tenant, a.By.System)
	}
}

const selectActions = `select action_id, code, result, referral_target, minutes, note, at, person, actor_tenant, system
	from action where tenant = $1 and case_id = $2 order by version`

func queryActions(ctx context.Context, tx pgx.Tx, t tenant.ID, caseID string) ([]casefile.Action, error) {
	rows, err := tx.Query(ctx, selectActions, t, caseID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (casefile.Action, error) {
		var a casefile.Action
		var id uuid.UUID
		err := row.Scan(&id, &a.Code, &a.Result, &a.ReferralTarget, &a.Minutes, &a.SealedNote, &a.At, &a.By.Person,
			&a.By.Tenant, &a.By.System)
		a.ID, a.At = id.String(), a.At.UTC()
		return a, err
	})
}
