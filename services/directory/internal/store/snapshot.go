package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// Snapshot is the current directory at one moment.
type Snapshot struct {
	// Revision counts the changes of the public directory; 0 before the first load.
	Revision int64
	// ListRevision is the revision of the newest list.
	ListRevision int64
	// Lists are sorted by name.
	Lists []vocabulary.List
	// Entries are sorted by kind and identifier.
	Entries []*directoryv1.Entry
}

// readSnapshot reads the directory in a transaction of its own. It reuses the lists and entries of before that have not
// changed since.
func readSnapshot(ctx context.Context, conn *pgx.Conn, before Snapshot) (Snapshot, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Snapshot{}, fmt.Errorf("read directory: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	snapshot, err := loadSnapshot(ctx, tx, before)
	if err != nil {
		return Snapshot{}, fmt.Errorf("read directory: %w", err)
	}
	return snapshot, nil
}

const selectListRevision = `select coalesce(max(revision), 0) from vocabulary where current`

const selectEntries = `select ` + entryColumns + ` from entry where current and revision > $1`

func loadSnapshot(ctx context.Context, tx pgx.Tx, before Snapshot) (s Snapshot, err error) {
	if s.Revision, err = selectCurrentRevision(ctx, tx); err != nil {
		return Snapshot{}, err
	}
	if err := tx.QueryRow(ctx, selectListRevision).Scan(&s.ListRevision); err != nil {
		return Snapshot{}, err
	}
	lists, err := loadChangedLists(ctx, tx, before.Lists)
	if err != nil {
		return Snapshot{}, err
	}
	rows, err := tx.Query(ctx, selectEntries, before.Revision)
	if err != nil {
		return Snapshot{}, err
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return Snapshot{}, err
	}
	s.Lists = merge(before.Lists, lists, func(a, b vocabulary.List) int { return strings.Compare(a.Name, b.Name) })
	s.Entries = merge(before.Entries, entries, entry.Compare)
	return s, nil
}

const selectLists = `
	select name, version, title_it, title_en, groups, terms from vocabulary
	where current and (name, version) not in (select * from unnest($1::text[], $2::integer[])) order by name`

// loadChangedLists returns the current lists that are not among the known ones with the same version.
func loadChangedLists(ctx context.Context, tx pgx.Tx, known []vocabulary.List) ([]vocabulary.List, error) {
	var names []string
	var versions []int
	for _, l := range known {
		names, versions = append(names, l.Name), append(versions, l.Version)
	}
	rows, err := tx.Query(ctx, selectLists, names, versions)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l vocabulary.List, err error) {
		var terms []byte
		if err = row.Scan(&l.Name, &l.Version, &l.TitleIT, &l.TitleEN, &l.Groups, &terms); err != nil {
			return l, err
		}
		return l, json.Unmarshal(terms, &l.Terms)
	})
}

// merge returns both slices as one, sorted; changed elements replace old ones that compare equal.
func merge[T any](old, changed []T, compare func(a, b T) int) []T {
	if len(changed) == 0 {
		return old
	}
	all := slices.Concat(changed, old)
	slices.SortStableFunc(all, compare)
	return slices.CompactFunc(all, func(a, b T) bool { return compare(a, b) == 0 })
}

const selectRevision = `select revision from directory_state`

// queryRower is a connection or a transaction.
type queryRower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func selectCurrentRevision(ctx context.Context, db queryRower) (revision int64, err error) {
	err = db.QueryRow(ctx, selectRevision).Scan(&revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return revision, err
}
