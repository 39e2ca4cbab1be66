// Package repeat makes writes safe to repeat. A write is stored together with its request id and a keyed hash of what it
// said: the same id with the same body finds what it was answered with, with another body it is refused. Ids are kept for
// Keep, at least.
package repeat

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/seal"
)

//go:embed migrations/*.sql
var migrations embed.FS

// VersionTable is where the migrations of this package are recorded.
const VersionTable = "repeat_version"

// Keep is how long a request id is remembered.
const Keep = 90 * 24 * time.Hour

// Migrations make the table request.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded: this cannot happen in a built program
	}
	return sub
}

// Request is one call that may be repeated.
type Request struct {
	// ID was chosen by the caller, a UUID.
	ID string
	// Method tells calls apart that happen to say the same.
	Method string
	// BodyHash is a keyed hash of what it said.
	BodyHash []byte
}

const (
	look   = `select method, body_hash, record_id from request where node = $1 and request_id = $2`
	forget = `delete from request where (node, request_id) in (select node, request_id from request where node = $1 and day < ($2::timestamptz at time zone 'UTC')::date limit 1000)`
)

// Insert remembers requests; its rows come from Row.
var Insert = pg.InsertInto("request", "node", "request_id", "method", "body_hash", "record_id", "day")

// Row is a request with the record that it is answered with. Only the day is kept.
func (r Request) Row(node, recordID string, now time.Time) []any {
	return []any{node, r.ID, r.Method, r.BodyHash, recordID, now.UTC()}
}

// Queue remembers one request with the record that it is answered with.
func (r Request) Queue(b *pgx.Batch, node, recordID string, now time.Time) {
	Insert.Queue(b, r.Row(node, recordID, now))
}

// IsRepeated tells whether an error says that the request id is known already.
func IsRepeated(err error) bool { return pg.Violates(err, "request_pkey") }

// Answered returns the record that the request was answered with; ok is false when its id is new. Another method or body
// under the same id is REQUEST_ID_REUSED.
func (r Request) Answered(ctx context.Context, tx pgx.Tx, node string) (recordID string, ok bool, err error) {
	var method string
	var hash []byte
	err = tx.QueryRow(ctx, look, node, r.ID).Scan(&method, &hash, &recordID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("look for request: %w", err)
	case method != r.Method || !seal.Equal(hash, r.BodyHash):
		return "", false, fault.New(fault.RequestIDReused)
	}
	return recordID, true, nil
}

// Forget removes ids that are older than Keep, a bounded number at a time, and tells how many.
func Forget(ctx context.Context, pool *pgxpool.Pool, node string, now time.Time) (n int64, err error) {
	err = pg.InTenant(ctx, pool, node, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, forget, node, now.Add(-Keep))
		n = tag.RowsAffected()
		return err
	})
	return n, err
}
