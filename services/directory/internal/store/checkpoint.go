package store

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// Checkpoint is the state of a directory. Two directories with the same digest have the same content.
type Checkpoint struct {
	// Revision of the newest list or entry; 0 for an empty directory.
	Revision int64
	// Digest in hexadecimal.
	Digest string
}

// visibleToTenant selects the entries that a node may see: the public ones and its own hidden ones, as entry.IsHidden
// and entry.OwnedBy define them. $1 is the tenant; "" sees only what is public.
const visibleToTenant = `(coalesce(content ->> 'visibility', 'VISIBILITY_UNSPECIFIED') = 'VISIBILITY_UNSPECIFIED'
	or $1 <> ''
	and content ->> 'region' = split_part($1, '/', 1)
	and content ->> 'node' in (split_part($1, '/', 2), split_part($1, '/', 2) || '-' || split_part($1, '/', 1)))`

// selectCheckpoint computes the checkpoint of all lists and of the entries that a node may see.
const selectCheckpoint = `
	with included as not materialized (
		select kind, id, revision, digest from entry where current and ` + visibleToTenant + `
	)` + checkpointOfIncluded

// selectFullCheckpoint computes the checkpoint of all lists and all entries. A node uses it: its copy holds only
// entries that it may see.
const selectFullCheckpoint = `
	with included as not materialized (
		select kind, id, revision, digest from entry where current
	)` + checkpointOfIncluded

// checkpointOfIncluded aggregates in byte order, because collations differ between databases.
const checkpointOfIncluded = `
	select
		greatest(coalesce((select max(revision) from vocabulary where current), 0),
		         coalesce((select max(revision) from included), 0)),
		encode(sha256(convert_to(
		    coalesce((select string_agg(concat_ws(' ', name, version, encode(digest, 'hex')), E'\n'
		                                order by name collate "C")
		              from vocabulary where current), '') || E'\n\n' ||
		    coalesce((select string_agg(concat_ws(' ', kind, id, revision, encode(digest, 'hex')), E'\n'
		                                order by kind collate "C", id collate "C")
		              from included), ''), 'UTF8')), 'hex')`

// GetCheckpoint returns the checkpoint of what a node may see; the zero tenant stands for the public.
func GetCheckpoint(ctx context.Context, pool *pgxpool.Pool, t tenant.ID) (c Checkpoint, err error) {
	err = pool.QueryRow(ctx, selectCheckpoint, textOf(t)).Scan(&c.Revision, &c.Digest)
	return c, pg.ToFault(err)
}

// textOf returns the tenant as $1 of visibleToTenant.
func textOf(t tenant.ID) string {
	if t.IsZero() {
		return ""
	}
	return t.String()
}
