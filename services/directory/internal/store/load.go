package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// LoadResult describes what a load changed.
type LoadResult struct {
	// Revision of the directory after the load. It stays the same when nothing changed.
	Revision int64
	// Lists and Entries name the lists and entries that are new or changed.
	Lists, Entries []string
}

const lockState = `lock table directory_state in exclusive mode`

const upsertRevision = `
	insert into directory_state (revision, updated_at) values ($1, $2)
	on conflict (singleton) do update set revision = excluded.revision, updated_at = excluded.updated_at`

// Load makes lists and entries current, in one transaction, and notifies the servers. It needs the URL of the owner of
// the database.
//
// Load is idempotent: it leaves alone what has not changed since the last load, so a change that was proposed and
// approved since then also stays. It refuses to remove a list, a code or an entry, because stored data refer to them.
// It refuses to change an entry that a proposal has changed since the last load; the files must take over that change
// first.
func Load(
	ctx context.Context, ownerURL string, lists []vocabulary.List, entries []*directoryv1.Entry, now time.Time,
) (result LoadResult, err error) {
	conn, err := connectOwner(ctx, ownerURL)
	if err != nil {
		return LoadResult{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Loads run one after the other. Servers can still read.
		if _, err := tx.Exec(ctx, lockState); err != nil {
			return err
		}
		stored, err := loadSnapshot(ctx, tx, Snapshot{})
		if err != nil {
			return err
		}
		lastLoaded, err := lastLoadedEntries(ctx, tx)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		result = LoadResult{Revision: stored.Revision}
		next := stored.Revision + 1
		if result.Lists, err = queueLists(b, stored.Lists, lists, next, now); err != nil {
			return err
		}
		if result.Entries, err = queueEntries(b, stored.Entries, lastLoaded, entries, next, now); err != nil {
			return err
		}
		if len(result.Lists)+len(result.Entries) == 0 {
			return nil
		}
		result.Revision = next
		b.Queue(upsertRevision, next, now)
		b.Queue(notifyChange)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return LoadResult{}, fmt.Errorf("load directory: %w", err)
	}
	return result, nil
}

const retireList = `update vocabulary set current = false where name = $1 and current`

const insertList = `
	insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at, revision)
	values ($1, $2, $3, $4, $5, $6, true, $7, $8)`

func queueLists(
	b *pgx.Batch, stored, lists []vocabulary.List, revision int64, now time.Time,
) (changed []string, err error) {
	missing := make(map[string]vocabulary.List, len(stored))
	for _, l := range stored {
		missing[l.Name] = l
	}
	for _, l := range lists {
		if old, ok := missing[l.Name]; ok {
			delete(missing, l.Name)
			next, changes, err := l.NextVersion(old)
			if err != nil {
				return nil, err
			}
			if !changes {
				continue
			}
			l = next
		}
		terms, err := json.Marshal(l.Terms)
		if err != nil {
			return nil, err
		}
		b.Queue(retireList, l.Name)
		b.Queue(insertList, l.Name, l.Version, l.TitleIT, l.TitleEN, l.Groups, terms, now, revision)
		changed = append(changed, l.Name)
	}
	for name := range missing {
		return nil, fmt.Errorf("list %s is missing: a list is never removed, its codes get an end date", name)
	}
	return changed, nil
}

const selectFileEntries = `
	select distinct on (kind, id) ` + entryColumns + ` from entry where from_files order by kind, id, revision desc`

// lastLoadedEntries returns each entry in the state in which it was last loaded from files.
func lastLoadedEntries(ctx context.Context, tx pgx.Tx) (map[entry.Ref]*directoryv1.Entry, error) {
	rows, err := tx.Query(ctx, selectFileEntries)
	if err != nil {
		return nil, err
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	return byRef(entries), err
}

func queueEntries(
	b *pgx.Batch, current []*directoryv1.Entry, lastLoaded map[entry.Ref]*directoryv1.Entry,
	entries []*directoryv1.Entry, revision int64, now time.Time,
) (changed []string, err error) {
	currentByRef := byRef(current)
	for _, e := range entries {
		ref := entry.RefOf(e)
		old, last := currentByRef[ref], lastLoaded[ref]
		delete(lastLoaded, ref)
		switch {
		case entry.Equal(last, e), entry.Equal(old, e):
			continue
		case old != nil && (last == nil || old.GetRevision() != last.GetRevision()):
			return nil, fmt.Errorf(
				"%s was changed by a proposal after the last load: take over that change in its file first", ref)
		}
		if err := queueEntry(b, e, revision, true, now); err != nil {
			return nil, err
		}
		changed = append(changed, string(ref))
	}
	for ref := range lastLoaded {
		return nil, fmt.Errorf("%s is missing: an entry is never removed, it gets the day of its end", ref)
	}
	return changed, nil
}

func byRef(entries []*directoryv1.Entry) map[entry.Ref]*directoryv1.Entry {
	m := make(map[entry.Ref]*directoryv1.Entry, len(entries))
	for _, e := range entries {
		m[entry.RefOf(e)] = e
	}
	return m
}
