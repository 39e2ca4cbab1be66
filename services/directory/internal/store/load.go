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

// Loaded says what a load changed.
type Loaded struct {
	// Revision after it. Without changes it is the one before.
	Revision int64
	// Lists and Entries are the names of the lists and of the entries that changed or are new.
	Lists, Entries []string
}

var loading = map[string]string{
	"lock": `lock table catalogue in exclusive mode`,
	"retire list": `
		update vocabulary set current = false where name = $1 and current`,
	"add list": `
		insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at)
		values ($1, $2, $3, $4, $5, $6, true, $7)`,
	"retire entry": `
		update entry set current = false where kind = $1 and id = $2 and current`,
	"add entry": `
		insert into entry (kind, id, revision, content, current, stored_at)
		values ($1, $2, $3, $4, true, $5)`,
	"count": `
		insert into catalogue (revision, loaded_at) values ($1, $2)
		on conflict (single) do update set revision = excluded.revision, loaded_at = excluded.loaded_at`,
	"tell": `select pg_notify('directory_loaded', '')`,
}

// Load makes lists and entries the current ones, in one transaction, and tells the servers. What has not changed is left
// alone, versions included; the same load again changes nothing. It refuses to lose a list, a code or an entry: what was
// written with them must stay readable. It wants the owner's address.
func Load(ctx context.Context, ownerURL string, lists []vocabulary.List, entries []*directoryv1.Entry, now time.Time) (loaded Loaded, err error) {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return Loaded{}, errors.New("the owner of the database cannot connect")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// One load at a time; servers read on.
		if _, err := tx.Exec(ctx, loading["lock"]); err != nil {
			return err
		}
		stored, err := contents(ctx, tx)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		loaded = Loaded{Revision: stored.Revision}
		if loaded.Lists, err = queueLists(batch, stored.Lists, lists, now); err != nil {
			return err
		}
		if loaded.Entries, err = queueEntries(batch, stored.Entries, entries, stored.Revision+1, now); err != nil {
			return err
		}
		if len(loaded.Lists)+len(loaded.Entries) == 0 {
			return nil
		}
		loaded.Revision++
		batch.Queue(loading["count"], loaded.Revision, now)
		batch.Queue(loading["tell"])
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return Loaded{}, fmt.Errorf("load directory: %w", err)
	}
	return loaded, nil
}

func queueLists(batch *pgx.Batch, stored, read []vocabulary.List, now time.Time) (changed []string, err error) {
	before := make(map[string]vocabulary.List, len(stored))
	for _, l := range stored {
		before[l.Name] = l
	}
	for _, l := range read {
		old, there := before[l.Name]
		delete(before, l.Name)
		if there {
			next, changes, err := l.After(old)
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
		batch.Queue(loading["retire list"], l.Name)
		batch.Queue(loading["add list"], l.Name, l.Version, l.TitleIT, l.TitleEN, l.Groups, terms, now)
		changed = append(changed, l.Name)
	}
	for name := range before {
		return nil, fmt.Errorf("list %s is gone: lists stay, their codes get an end date", name)
	}
	return changed, nil
}

func queueEntries(batch *pgx.Batch, stored, read []*directoryv1.Entry, revision int64, now time.Time) (changed []string, err error) {
	before := make(map[entry.Ref]*directoryv1.Entry, len(stored))
	for _, e := range stored {
		before[entry.RefOf(e)] = e
	}
	for _, e := range read {
		ref := entry.RefOf(e)
		old, there := before[ref]
		delete(before, ref)
		if there && entry.Same(old, e) {
			continue
		}
		content, err := entry.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		batch.Queue(loading["retire entry"], e.GetKind(), e.GetId())
		batch.Queue(loading["add entry"], e.GetKind(), e.GetId(), revision, content, now)
		changed = append(changed, string(ref))
	}
	for ref := range before {
		return nil, fmt.Errorf("%s is gone: an entry that is no more stays, with the day of its end", ref)
	}
	return changed, nil
}
