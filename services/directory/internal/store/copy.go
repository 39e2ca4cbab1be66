package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/pg"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// ErrDigestMismatch is returned when a copy would not say what the centre says; nothing of it is kept then.
var ErrDigestMismatch = errors.New("the copy would differ from the centre")

// Checkpoint is how far a directory is. Two directories with the same digest say the same.
type Checkpoint struct {
	// Revision of the newest list or entry in it, 0 when it is empty.
	Revision int64
	// Digest in hexadecimal.
	Digest string
}

// visible restricts entries to those that a node may have: what is public, and what is hidden and its own. The first
// parameter is the node; "" is nobody.
const visible = `(content ->> 'visibility' is distinct from 'VISIBILITY_HIDDEN' or content ->> 'node' = $1)`

// selectCheckpoint computes the revision and the digest of all lists and of the entries that a node may have. The strings are
// aggregated in byte order, because collations differ between databases.
const selectCheckpoint = `select ` + checkpointRevision + visible + checkpointDigest + visible + checkpointEnd

// selectFullCheckpoint does the same for every entry. A node's copy holds only entries that the node may have.
const selectFullCheckpoint = `select ` + checkpointRevision + `true` + checkpointDigest + `true` + checkpointEnd

// The parts of a checkpoint statement. A condition on entries follows each of the first two.
const (
	checkpointRevision = `
		greatest(coalesce((select max(revision) from vocabulary where current), 0),
		         coalesce((select max(revision) from entry where current and `
	checkpointDigest = `), 0)),
		encode(sha256(convert_to(
		    coalesce((select string_agg(concat_ws(' ', name, version, encode(digest, 'hex')), E'\n'
		                                order by name collate "C")
		              from vocabulary where current), '') || E'\n\n' ||
		    coalesce((select string_agg(concat_ws(' ', kind, id, revision, encode(digest, 'hex')), E'\n'
		                                order by kind collate "C", id collate "C")
		              from entry where current and `
	checkpointEnd = `), ''), 'UTF8')), 'hex')`
)

// The grants that the service of a node has, and the service of the centre must not have.
const (
	grantLists   = `grant insert, delete on vocabulary to pari_app`
	grantEntries = `grant delete on entry to pari_app`
	grantState   = `grant insert on directory_state to pari_app`
)

// GrantCopy makes a migrated database one that keeps a copy. It wants the owner's address.
func GrantCopy(ctx context.Context, ownerURL string) error {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return errors.New("the owner of the database cannot connect")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	b := &pgx.Batch{}
	b.Queue(grantLists)
	b.Queue(grantEntries)
	b.Queue(grantState)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("allow a copy: %w", err)
	}
	return nil
}

// GetCheckpoint returns how far the directory is, as far as a node may have it ("" for what is public).
func GetCheckpoint(ctx context.Context, pool *pgxpool.Pool, node string) (p Checkpoint, err error) {
	err = pool.QueryRow(ctx, selectCheckpoint, node).Scan(&p.Revision, &p.Digest)
	return p, pg.ToFault(err)
}

const selectChangedLists = `
	select name, version, title_it, title_en, groups, terms, revision from vocabulary
	where current and revision >= $1 order by name collate "C"`

const selectChangedEntries = `
	select kind, id, revision, content, stored_at from entry where current and revision > $2 and ` + visible + `
	order by kind collate "C", id collate "C"`

// ListChanges returns what changed after a revision, as far as a node may have it, and the position after it; everything after
// revision 0.
func ListChanges(ctx context.Context, pool *pgxpool.Pool, node string, revision int64) (doc *directoryv1.CopyDocument, p Checkpoint, err error) {
	doc = &directoryv1.CopyDocument{}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, selectCheckpoint, node).Scan(&p.Revision, &p.Digest); err != nil {
			return err
		}
		from := revision + 1
		if revision == 0 {
			from = 0 // lists that an older program loaded
		}
		rows, err := tx.Query(ctx, selectChangedLists, from)
		if err != nil {
			return err
		}
		if doc.Lists, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*directoryv1.CopiedList, error) {
			l := &directoryv1.CopiedList{}
			return l, row.Scan(&l.Name, &l.Version, &l.TitleIt, &l.TitleEn, &l.Groups, &l.Terms, &l.Revision)
		}); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectChangedEntries, node, revision); err != nil {
			return err
		}
		doc.Entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*directoryv1.CopiedEntry, error) {
			e, stored := &directoryv1.CopiedEntry{}, time.Time{}
			err := row.Scan(&e.Kind, &e.Id, &e.Revision, &e.Content, &stored)
			e.StoredAt = timestamppb.New(stored)
			return e, err
		})
		return err
	})
	return doc, p, pg.ToFault(err)
}

const deleteAllEntries = `delete from entry`

const deleteAllLists = `delete from vocabulary`

const upsertState = `
	insert into directory_state (revision, updated_at, confirmed_at) values ($1, $2, $2)
	on conflict (singleton) do update set revision = excluded.revision, updated_at = excluded.updated_at,
	confirmed_at = excluded.confirmed_at`

// ApplyCopy makes the rows of a document current, or with whole puts them in the place of everything, when the directory then is
// where the centre says: all or nothing, else ErrDigestMismatch. The followers of the database are told.
func ApplyCopy(ctx context.Context, pool *pgxpool.Pool, doc *directoryv1.CopyDocument, whole bool, want Checkpoint, now time.Time) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		tell := notifyChange
		if whole {
			b.Queue(deleteAllEntries)
			b.Queue(deleteAllLists)
			tell = notifyReload // what is gone is gone for followers too
		}
		queueCopies(b, doc, now)
		b.Queue(upsertState, want.Revision, now)
		b.Queue(tell)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		var got Checkpoint
		// A copy holds what it may have, and nothing else: everything in it counts, hidden or not.
		if err := tx.QueryRow(ctx, selectFullCheckpoint).Scan(&got.Revision, &got.Digest); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		if got != want {
			return ErrDigestMismatch
		}
		return nil
	})
}

const deleteEntries = `delete from entry where (kind, id) in (select * from unnest($1::text[], $2::text[]))`

const deleteLists = `delete from vocabulary where name = any($1)`

const insertCopiedEntries = `
	insert into entry (kind, id, revision, content, stored_at, from_files, current)
	select *, false, true from unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[], $5::timestamptz[])`

const insertCopiedList = `
	insert into vocabulary (name, version, title_it, title_en, groups, terms, revision, current, loaded_at)
	values ($1, $2, $3, $4, $5, $6, $7, true, $8)`

func queueCopies(b *pgx.Batch, doc *directoryv1.CopyDocument, now time.Time) {
	var (
		kinds, ids, contents []string
		revisions            []int64
		stored               []time.Time
	)
	for _, e := range doc.GetEntries() {
		kinds, ids, contents = append(kinds, e.GetKind()), append(ids, e.GetId()), append(contents, string(e.GetContent()))
		revisions, stored = append(revisions, e.GetRevision()), append(stored, e.GetStoredAt().AsTime())
	}
	names := make([]string, len(doc.GetLists()))
	for i, l := range doc.GetLists() {
		names[i] = l.GetName()
	}
	b.Queue(deleteEntries, kinds, ids)
	b.Queue(deleteLists, names)
	if len(kinds) > 0 {
		b.Queue(insertCopiedEntries, kinds, ids, revisions, contents, stored)
	}
	for _, l := range doc.GetLists() {
		b.Queue(insertCopiedList, l.GetName(), l.GetVersion(), l.GetTitleIt(), l.GetTitleEn(), l.GetGroups(), string(l.GetTerms()), l.GetRevision(), now)
	}
}

const updateConfirmedAt = `
	update directory_state set confirmed_at = $1 where confirmed_at is null or confirmed_at < $1`

// SetConfirmedAt keeps the moment at which the centre said that nothing is missing.
func SetConfirmedAt(ctx context.Context, pool *pgxpool.Pool, at time.Time) error {
	_, err := pool.Exec(ctx, updateConfirmedAt, at)
	return pg.ToFault(err)
}

const selectConfirmedAt = `select confirmed_at from directory_state`

// GetConfirmedAt returns the moment that was kept last; zero when there was none.
func GetConfirmedAt(ctx context.Context, pool *pgxpool.Pool) (time.Time, error) {
	var at *time.Time
	err := pool.QueryRow(ctx, selectConfirmedAt).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && at == nil {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, pg.ToFault(err)
	}
	return *at, nil
}
