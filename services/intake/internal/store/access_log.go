package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
)

const insertAccess = `insert into access_log (tenant, access_id, report_id, at, person, system)
	values ($1, $2, $3, $4, $5, $6)`

// LogAccess records that a person opens the sealed content of a report. Call it before the content is decrypted.
func (s *Reports) LogAccess(ctx context.Context, t tenant.ID, reportID string, by report.Actor, now time.Time) error {
	return pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertAccess, t, uuid.New(), reportID, now.UTC(), by.Person, by.System)
		return err
	})
}
