// Package store keeps the directory in Postgres. Load writes code lists and entries as the owner of the tables, in one
// transaction. Proposals change entries as the role of the service. Watch reads the current directory and reads it
// again after each change. ListChanges and ApplyCopy replicate it to the nodes; Publish writes events for reporting.
//
// Earlier versions of lists and earlier states of entries stay in the database. Only ListHistory reads them. The
// package starts no goroutines.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schemas are the tables of the database: its own, and those of the packages that it uses.
var Schemas = []pg.Schema{
	pg.NewSchema(migrations, "directory"), idempotency.Schema, outbox.Schema,
}

// Migrate brings the database up to date. It needs the URL of the owner of the database.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, Schemas...)
}

// connectOwner connects as the owner of the database. The error leaves out the cause: it may show the password of the
// URL.
func connectOwner(ctx context.Context, ownerURL string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return nil, errors.New("the owner of the database cannot connect")
	}
	return conn, nil
}

const entryColumns = `kind, content, revision, stored_at`

func scanEntry(row pgx.CollectableRow) (*directoryv1.Entry, error) {
	var (
		kind     string
		content  []byte
		revision int64
		storedAt time.Time
	)
	if err := row.Scan(&kind, &content, &revision, &storedAt); err != nil {
		return nil, err
	}
	e, err := entry.Unmarshal(kind, content)
	if err != nil {
		return nil, err
	}
	e.Revision, e.StoredAt = revision, timestamppb.New(storedAt)
	return e, nil
}

const retireEntry = `update entry set current = false where kind = $1 and id = $2 and current`

const insertEntry = `
	insert into entry (kind, id, revision, content, from_files, current, stored_at)
	values ($1, $2, $3, $4, $5, true, $6)`

// queueEntry makes e the current state of its entry.
func queueEntry(b *pgx.Batch, e *directoryv1.Entry, revision int64, fromFiles bool, now time.Time) error {
	content, err := entry.Marshal(e)
	if err != nil {
		return fmt.Errorf("%s: %w", entry.RefOf(e), err)
	}
	b.Queue(retireEntry, e.GetKind(), e.GetId())
	b.Queue(insertEntry, e.GetKind(), e.GetId(), revision, content, fromFiles, now)
	return nil
}

const selectHistory = `
	select ` + entryColumns + ` from entry where kind = $1 and id = $2 order by revision desc limit $3`

// ListHistory returns up to limit states of an entry, newest first. The history of an unknown entry is empty.
func ListHistory(ctx context.Context, pool *pgxpool.Pool, ref entry.Ref, limit int) ([]*directoryv1.Entry, error) {
	rows, err := pool.Query(ctx, selectHistory, ref.Kind(), ref.ID(), limit)
	if err != nil {
		return nil, pg.ToFault(err)
	}
	states, err := pgx.CollectRows(rows, scanEntry)
	return states, pg.ToFault(err)
}
