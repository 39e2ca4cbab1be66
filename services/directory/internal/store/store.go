// Package store keeps what the directory serves in Postgres. Load writes it, as the owner of the tables, all or nothing;
// Watch reads it, as a role that cannot write, and again whenever something was loaded. Older versions of lists and states
// of entries are kept; reading looks at the current ones alone.
package store

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = pg.NewSchema(migrations, "directory")

// Migrate brings the database up to date. It wants the owner's address.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, schema, idempotency.Schema, outbox.Schema)
}

// Snapshot is everything that is current.
type Snapshot struct {
	// Revision counts the loads that changed something; 0 when nothing was ever loaded.
	Revision int64
	// ListRevision is the revision of the newest list.
	ListRevision int64
	// Lists are in the order of their names.
	Lists []vocabulary.List
	// Entries are in the order of their kinds and identifiers.
	Entries []*directoryv1.Entry
}

// readSnapshot returns the contents as of one moment. What has not changed since before is taken from there.
func readSnapshot(ctx context.Context, conn interface {
	BeginTx(context.Context, pgx.TxOptions) (pgx.Tx, error)
}, before Snapshot) (Snapshot, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Snapshot{}, fmt.Errorf("read directory: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	c, err := loadSnapshot(ctx, tx, before)
	if err != nil {
		return Snapshot{}, fmt.Errorf("read directory: %w", err)
	}
	return c, nil
}

const selectListRevision = `select coalesce(max(revision), 0) from vocabulary where current`

const selectLists = `
	select name, version, title_it, title_en, groups, terms from vocabulary
	where current and (name, version) not in (select * from unnest($1::text[], $2::integer[])) order by name`

const selectEntries = `select ` + entryColumns + ` from entry where current and revision > $1`

func loadSnapshot(ctx context.Context, tx pgx.Tx, before Snapshot) (c Snapshot, err error) {
	if c.Revision, err = selectCurrentRevision(ctx, tx); err != nil {
		return Snapshot{}, err
	}
	if err := tx.QueryRow(ctx, selectListRevision).Scan(&c.ListRevision); err != nil {
		return Snapshot{}, err
	}
	var names []string
	var versions []int
	for _, l := range before.Lists {
		names, versions = append(names, l.Name), append(versions, l.Version)
	}
	rows, err := tx.Query(ctx, selectLists, names, versions)
	if err != nil {
		return Snapshot{}, err
	}
	lists, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l vocabulary.List, err error) {
		var terms []byte
		if err = row.Scan(&l.Name, &l.Version, &l.TitleIT, &l.TitleEN, &l.Groups, &terms); err != nil {
			return l, err
		}
		return l, json.Unmarshal(terms, &l.Terms)
	})
	if err != nil {
		return Snapshot{}, err
	}
	if rows, err = tx.Query(ctx, selectEntries, before.Revision); err != nil {
		return Snapshot{}, err
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return Snapshot{}, err
	}
	c.Lists = merge(before.Lists, lists, func(a, b vocabulary.List) int { return strings.Compare(a.Name, b.Name) })
	c.Entries = merge(before.Entries, entries, entry.Compare)
	return c, nil
}

// merge returns what was and what is new in order, the new in the place of the old.
func merge[T any](old, young []T, compare func(a, b T) int) []T {
	if len(young) == 0 {
		return old
	}
	all := slices.Concat(young, old)
	slices.SortStableFunc(all, compare)
	return slices.CompactFunc(all, func(a, b T) bool { return compare(a, b) == 0 })
}

const entryColumns = `kind, content, revision, stored_at`

func scanEntry(row pgx.CollectableRow) (*directoryv1.Entry, error) {
	var (
		kind     string
		content  []byte
		revision int64
		stored   time.Time
	)
	if err := row.Scan(&kind, &content, &revision, &stored); err != nil {
		return nil, err
	}
	e, err := entry.Unmarshal(kind, content)
	if err != nil {
		return nil, err
	}
	e.Revision, e.StoredAt = revision, timestamppb.New(stored)
	return e, nil
}

const retireEntry = `update entry set current = false where kind = $1 and id = $2 and current`

const insertEntry = `
	insert into entry (kind, id, revision, content, from_files, current, stored_at) values ($1, $2, $3, $4, $5, true, $6)`

// queueEntry makes a state of an entry the current one.
func queueEntry(b *pgx.Batch, e *directoryv1.Entry, revision int64, loaded bool, now time.Time) error {
	content, err := entry.Marshal(e)
	if err != nil {
		return fmt.Errorf("%s: %w", entry.RefOf(e), err)
	}
	b.Queue(retireEntry, e.GetKind(), e.GetId())
	b.Queue(insertEntry, e.GetKind(), e.GetId(), revision, content, loaded, now)
	return nil
}

const selectHistory = `
	select ` + entryColumns + ` from entry where kind = $1 and id = $2 order by revision desc limit $3`

// ListHistory returns up to limit states of an entry, newest first; none for an entry that never was.
func ListHistory(ctx context.Context, pool *pgxpool.Pool, ref entry.Ref, limit int) ([]*directoryv1.Entry, error) {
	rows, err := pool.Query(ctx, selectHistory, ref.Kind(), ref.ID(), limit)
	if err != nil {
		return nil, pg.ToFault(err)
	}
	states, err := pgx.CollectRows(rows, scanEntry)
	return states, pg.ToFault(err)
}

const selectRevision = `select revision from directory_state`

func selectCurrentRevision(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) (n int64, err error) {
	err = db.QueryRow(ctx, selectRevision).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return n, err
}
