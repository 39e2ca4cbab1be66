package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
)

// Restored are the cases for outbox.Repair, after a restore that has lost events.
type Restored struct{}

var _ outbox.Records = Restored{}

const (
	lockRestored   = `select from case_file where tenant = $1 and pseudonym = $2 for no key update`
	continueEvents = `update case_file set event_seq = greatest(event_seq, $3) where tenant = $1 and pseudonym = $2`
)

// Lock implements outbox.Records. An aggregate is the pseudonym of a case.
func (Restored) Lock(ctx context.Context, tx pgx.Tx, t tenant.ID, pseudonym string) (known bool, err error) {
	id, err := uuid.Parse(pseudonym)
	if err != nil {
		return false, nil //nolint:nilerr // no case has this pseudonym
	}
	tag, err := tx.Exec(ctx, lockRestored, t, id)
	if err != nil {
		return false, fmt.Errorf("lock case: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Continue implements outbox.Records.
func (Restored) Continue(ctx context.Context, tx pgx.Tx, t tenant.ID, pseudonym string, seq int64) error {
	if _, err := tx.Exec(ctx, continueEvents, t, pseudonym, seq); err != nil {
		return fmt.Errorf("continue events of a case: %w", err)
	}
	return nil
}
