package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// LoadResult says what a load changed.
type LoadResult struct {
	// Revision after it. Without changes it is the one before.
	Revision int64
	// Lists and Entries are the names of the lists and of the entries that changed or are new.
	Lists, Entries []string
}

const lockState = `lock table directory_state in exclusive mode`

const upsertRevision = `
	insert into directory_state (revision, updated_at) values ($1, $2)
	on conflict (singleton) do update set revision = excluded.revision, updated_at = excluded.updated_at`

// Load makes lists and entries the current ones, in one transaction, and tells the servers. What has not changed since the
// last load is left alone, versions included: the same load again changes nothing, and an entry that was changed by a proposal
// stays so. It refuses to lose a list, a code or an entry: what was written with them must stay readable; and to change an
// entry that a proposal has changed since: the files must take that change in first. It wants the owner's address.
func Load(ctx context.Context, ownerURL string, lists []vocabulary.List, entries []*directoryv1.Entry, now time.Time) (loaded LoadResult, err error) {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return LoadResult{}, errors.New("the owner of the database cannot connect")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// One load at a time; servers read on.
		if _, err := tx.Exec(ctx, lockState); err != nil {
			return err
		}
		stored, err := loadSnapshot(ctx, tx, Snapshot{})
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		loaded = LoadResult{Revision: stored.Revision}
		if loaded.Lists, err = queueLists(batch, stored.Lists, lists, stored.Revision+1, now); err != nil {
			return err
		}
		before, err := loadedBefore(ctx, tx)
		if err != nil {
			return err
		}
		if loaded.Entries, err = queueEntries(batch, stored.Entries, before, entries, stored.Revision+1, now); err != nil {
			return err
		}
		if len(loaded.Lists)+len(loaded.Entries) == 0 {
			return nil
		}
		loaded.Revision++
		batch.Queue(upsertRevision, loaded.Revision, now)
		batch.Queue(notifyChange)
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return LoadResult{}, fmt.Errorf("load directory: %w", err)
	}
	return loaded, nil
}

const retireList = `update vocabulary set current = false where name = $1 and current`

const insertList = `
	insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at, revision)
	values ($1, $2, $3, $4, $5, $6, true, $7, $8)`

func queueLists(batch *pgx.Batch, stored, read []vocabulary.List, revision int64, now time.Time) (changed []string, err error) {
	before := make(map[string]vocabulary.List, len(stored))
	for _, l := range stored {
		before[l.Name] = l
	}
	for _, l := range read {
		old, there := before[l.Name]
		delete(before, l.Name)
		if there {
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
		batch.Queue(retireList, l.Name)
		batch.Queue(insertList, l.Name, l.Version, l.TitleIT, l.TitleEN, l.Groups, terms, now, revision)
		changed = append(changed, l.Name)
	}
	for name := range before {
		return nil, fmt.Errorf("list %s is gone: lists stay, their codes get an end date", name)
	}
	return changed, nil
}

const selectFileEntries = `
	select distinct on (kind, id) ` + entryColumns + ` from entry where from_files order by kind, id, revision desc`

// loadedBefore are the entries as the files last had them.
func loadedBefore(ctx context.Context, tx pgx.Tx) (map[entry.Ref]*directoryv1.Entry, error) {
	rows, err := tx.Query(ctx, selectFileEntries)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, err
	}
	byRef := make(map[entry.Ref]*directoryv1.Entry, len(all))
	for _, e := range all {
		byRef[entry.RefOf(e)] = e
	}
	return byRef, nil
}

func queueEntries(batch *pgx.Batch, current []*directoryv1.Entry, before map[entry.Ref]*directoryv1.Entry, read []*directoryv1.Entry, revision int64, now time.Time) (changed []string, err error) {
	stands := make(map[entry.Ref]*directoryv1.Entry, len(current))
	for _, e := range current {
		stands[entry.RefOf(e)] = e
	}
	for _, e := range read {
		ref := entry.RefOf(e)
		old, last := stands[ref], before[ref]
		delete(before, ref)
		switch {
		case last != nil && entry.Equal(last, e), old != nil && entry.Equal(old, e):
			continue
		case old != nil && (last == nil || old.GetRevision() != last.GetRevision()):
			return nil, fmt.Errorf("%s was changed by a proposal since the files were loaded: take that change into its file first", ref)
		}
		if err := queueEntry(batch, e, revision, true, now); err != nil {
			return nil, err
		}
		changed = append(changed, string(ref))
	}
	for ref := range before {
		return nil, fmt.Errorf("%s is gone: an entry that is no more stays, with the day of its end", ref)
	}
	return changed, nil
}
