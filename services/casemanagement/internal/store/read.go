package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

// File is one case with all that belongs to it.
type File struct {
	Case    *casefile.Case
	KeyID   uuid.UUID
	Actions []casefile.Action
	History []casefile.Change
}

// Get returns one case with its actions and history, or NOT_FOUND.
func (s *Cases) Get(ctx context.Context, node, id string) (f File, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		if f.Case, f.KeyID, err = one(ctx, tx, "get", node, id); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, statements["actions"], node, id)
		if err != nil {
			return err
		}
		if f.Actions, err = pgx.CollectRows(rows, scanAction); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, statements["histories"], node, id); err != nil {
			return err
		}
		f.History, err = pgx.CollectRows(rows, scanChange)
		return err
	})
	return f, err
}

// Opened records that the notes of a case are being opened, before they are.
func (s *Cases) Opened(ctx context.Context, node, id string, by casefile.Actor, now time.Time) error {
	return pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, statements["opened"], node, uuid.New(), id, now.UTC(), by.Person, by.System)
		return err
	})
}

// List returns up to limit cases of a node, newest first, from the one after position on; state "" is every state.
func (s *Cases) List(ctx context.Context, node string, state casefile.State, position int64, limit int) (page []*casefile.Case, next int64, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, statements["list"], node, string(state), position, limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		if err != nil {
			return fmt.Errorf("list cases: %w", err)
		}
		if len(found) > limit {
			next = found[limit-1].Seq
			found = found[:limit]
		}
		for _, f := range found {
			page = append(page, f.file())
		}
		return nil
	})
	return page, next, err
}
