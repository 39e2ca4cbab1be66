package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/tenant"
)

const continueEvents = `update case_file set event_seq = greatest(event_seq, $3) where tenant = $1 and pseudonym = $2`

// ContinueEvents lets the next event of a case follow number seq, after a restore that has lost events of the case. It
// reports whether the case exists.
func ContinueEvents(ctx context.Context, tx pgx.Tx, t tenant.ID, pseudonym string, seq int64) (bool, error) {
	id, err := uuid.Parse(pseudonym)
	if err != nil {
		return false, nil //nolint:nilerr // no case has this pseudonym
	}
	tag, err := tx.Exec(ctx, continueEvents, t, id, seq)
	if err != nil {
		return false, fmt.Errorf("continue events of a case: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}
