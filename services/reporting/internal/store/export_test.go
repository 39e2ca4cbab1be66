package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

const selectUnapplied = `
	select node_seq, class from unapplied_event
	where region = $1 and node = $2 and source = $3 order by node_seq`

// ListUnapplied returns the unapplied events of a partition by number: buffered, dead-lettered and blocked.
func (s *Store) ListUnapplied(ctx context.Context, p bus.Partition) (map[int64]Class, error) {
	found := map[int64]Class{}
	err := s.inRegion(ctx, p.Tenant.Region, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectUnapplied, p.Tenant.Region, p.Tenant.Node, p.Source)
		if err != nil {
			return err
		}
		var (
			seq   int64
			class Class
		)
		_, err = pgx.ForEachRow(rows, []any{&seq, &class}, func() error {
			found[seq] = class
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list unapplied events: %w", err)
	}
	return found, nil
}
