package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
)

// Restored are the contributions for outbox.Repair, after a restore that has lost events. The directory knows every
// contribution that reporting has: one whose entry was lost is withdrawn by the next Publish, because it is published
// and has no entry.
type Restored struct{}

var _ outbox.Records = Restored{}

// The digest of no contribution is empty, so the next Publish sends the current one.
const continuePublished = `
	update published_contribution set seq = greatest(seq, $3), digest = '' where region = $1 and aggregate = $2`

// Lock makes Publish wait until the transaction ends. It always reports that the contribution is known.
func (Restored) Lock(ctx context.Context, tx pgx.Tx, centre tenant.ID, aggregate string) (known bool, err error) {
	if _, err = tx.Exec(ctx, insertAggregates, centre.Region, []string{aggregate}); err == nil {
		_, err = lockPublished(ctx, tx, centre.Region)
	}
	if err != nil {
		return false, fmt.Errorf("lock contributions: %w", err)
	}
	return true, nil
}

// Continue lets the next event about a contribution follow number seq, and running servers send what they have now.
func (Restored) Continue(ctx context.Context, tx pgx.Tx, centre tenant.ID, aggregate string, seq int64) error {
	_, err := tx.Exec(ctx, continuePublished, centre.Region, aggregate, seq)
	if err == nil {
		_, err = tx.Exec(ctx, notifyReload) // once for the transaction
	}
	if err != nil {
		return fmt.Errorf("continue contribution: %w", err)
	}
	return nil
}
