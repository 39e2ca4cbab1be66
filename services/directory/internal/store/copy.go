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
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// ErrDigestMismatch is returned when a copy would differ from the centre. The copy is rolled back.
var ErrDigestMismatch = errors.New("the copy would differ from the centre")

// Grants of the service at a node. The service at the centre must not have them.
const (
	grantLists   = `grant insert, delete on vocabulary to pari_app`
	grantEntries = `grant delete on entry to pari_app`
	grantState   = `grant insert on directory_state to pari_app`
)

// GrantCopy allows the service to write a copy into a migrated database. It needs the URL of the owner of the database.
func GrantCopy(ctx context.Context, ownerURL string) error {
	conn, err := connectOwner(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	b := &pgx.Batch{}
	b.Queue(grantLists)
	b.Queue(grantEntries)
	b.Queue(grantState)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("grant copy: %w", err)
	}
	return nil
}

const selectChangedLists = `
	select name, version, title_it, title_en, groups, terms, revision from vocabulary
	where current and revision > $1 order by name collate "C"`

const selectChangedEntries = `
	select kind, id, revision, content, stored_at from entry where current and revision > $2 and ` + visibleToTenant + `
	order by kind collate "C", id collate "C"`

// ListChanges returns the lists and the entries visible to a node that changed after a revision, and the checkpoint
// that a node reaches with them. After revision 0 these are all.
func ListChanges(
	ctx context.Context, pool *pgxpool.Pool, t tenant.ID, revision int64,
) (doc *directoryv1.CopyDocument, c Checkpoint, err error) {
	doc = &directoryv1.CopyDocument{}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, selectCheckpoint, textOf(t)).Scan(&c.Revision, &c.Digest); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectChangedLists, revision)
		if err != nil {
			return err
		}
		if doc.Lists, err = pgx.CollectRows(rows, scanCopiedList); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, selectChangedEntries, textOf(t), revision); err != nil {
			return err
		}
		doc.Entries, err = pgx.CollectRows(rows, scanCopiedEntry)
		return err
	})
	return doc, c, pg.ToFault(err)
}

func scanCopiedList(row pgx.CollectableRow) (*directoryv1.CopiedList, error) {
	l := &directoryv1.CopiedList{}
	err := row.Scan(&l.Name, &l.Version, &l.TitleIt, &l.TitleEn, &l.Groups, &l.Terms, &l.Revision)
	return l, err
}

func scanCopiedEntry(row pgx.CollectableRow) (*directoryv1.CopiedEntry, error) {
	e, storedAt := &directoryv1.CopiedEntry{}, time.Time{}
	err := row.Scan(&e.Kind, &e.Id, &e.Revision, &e.Content, &storedAt)
	e.StoredAt = timestamppb.New(storedAt)
	return e, err
}

const deleteAllEntries = `delete from entry`

const deleteAllLists = `delete from vocabulary`

const upsertState = `
	insert into directory_state (revision, updated_at, confirmed_at) values ($1, $2, $2)
	on conflict (singleton) do update set revision = excluded.revision, updated_at = excluded.updated_at,
	confirmed_at = excluded.confirmed_at`

// ApplyCopy replaces the lists and entries of a document, or with whole the entire directory, and notifies the servers.
// It commits only if the directory then has the wanted checkpoint; otherwise it returns ErrDigestMismatch.
func ApplyCopy(
	ctx context.Context, pool *pgxpool.Pool, doc *directoryv1.CopyDocument, whole bool, want Checkpoint, now time.Time,
) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		notify := notifyChange
		if whole {
			b.Queue(deleteAllEntries)
			b.Queue(deleteAllLists)
			notify = notifyReload // entries may have been deleted
		}
		queueCopies(b, doc, now)
		b.Queue(upsertState, want.Revision, now)
		b.Queue(notify)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("write copy: %w", err)
		}
		var got Checkpoint
		if err := tx.QueryRow(ctx, selectFullCheckpoint).Scan(&got.Revision, &got.Digest); err != nil {
			return fmt.Errorf("verify copy: %w", err)
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
		storedAt             []time.Time
	)
	for _, e := range doc.GetEntries() {
		kinds, ids = append(kinds, e.GetKind()), append(ids, e.GetId())
		contents, revisions = append(contents, string(e.GetContent())), append(revisions, e.GetRevision())
		storedAt = append(storedAt, e.GetStoredAt().AsTime())
	}
	names := make([]string, len(doc.GetLists()))
	for i, l := range doc.GetLists() {
		names[i] = l.GetName()
	}
	b.Queue(deleteEntries, kinds, ids)
	b.Queue(deleteLists, names)
	if len(kinds) > 0 {
		b.Queue(insertCopiedEntries, kinds, ids, revisions, contents, storedAt)
	}
	for _, l := range doc.GetLists() {
		b.Queue(insertCopiedList, l.GetName(), l.GetVersion(), l.GetTitleIt(), l.GetTitleEn(), l.GetGroups(),
			string(l.GetTerms()), l.GetRevision(), now)
	}
}

const updateConfirmedAt = `
	update directory_state set confirmed_at = $1 where confirmed_at is null or confirmed_at < $1`

// SetConfirmedAt stores when the centre confirmed that the copy is complete. It never moves backwards.
func SetConfirmedAt(ctx context.Context, pool *pgxpool.Pool, at time.Time) error {
	_, err := pool.Exec(ctx, updateConfirmedAt, at)
	return pg.ToFault(err)
}

const selectConfirmedAt = `select confirmed_at from directory_state`

// GetConfirmedAt returns when the centre last confirmed that the copy is complete; zero if it never did.
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
