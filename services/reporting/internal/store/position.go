package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// StreamPosition says that all messages of the stream up to Seq are committed, as a consumer counts them.
type StreamPosition struct {
	Consumer string // identifies the consumer; "" before the first position
	Seq      uint64
}

const (
	selectStreamPosition = `select consumer, seq from stream_position`
	upsertStreamPosition = `
		insert into stream_position as p (consumer, seq) values ($1, $2) on conflict (only_one) do update
		set consumer = excluded.consumer, seq = excluded.seq where (p.consumer, p.seq) = ($3, $4)`
)

// GetStreamPosition returns the position of this database.
func (s *Store) GetStreamPosition(ctx context.Context) (p StreamPosition, err error) {
	err = s.pool.QueryRow(ctx, selectStreamPosition).Scan(&p.Consumer, &p.Seq)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return StreamPosition{}, fmt.Errorf("read stream position: %w", err)
	}
	return p, nil
}

// MoveStreamPosition replaces a position that was read before. It changes nothing when the position is another one by
// now: another replica has moved it, or the database was restored.
func (s *Store) MoveStreamPosition(ctx context.Context, from, to StreamPosition) error {
	_, err := s.pool.Exec(ctx, upsertStreamPosition, to.Consumer, to.Seq, from.Consumer, from.Seq)
	if err != nil {
		return fmt.Errorf("move stream position: %w", err)
	}
	return nil
}
