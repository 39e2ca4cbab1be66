// Package idempotency makes writes safe to repeat. A write is stored together with hashes of its request id and of its
// body. The same id with the same body finds the record of the first answer; the same id with another body is refused.
// Request ids are kept for Retention at least.
//
// The caller must insert the request in the transaction of the write: only then is a write stored exactly when its id
// is.
package idempotency

import (
	"context"
	"crypto/hmac"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema is the table idempotency_key.
var Schema = pg.NewSchema(migrations, "idempotency")

// Retention is how long a request id is kept, at least.
const Retention = 90 * 24 * time.Hour

// purgeLimit is how many ids one Purge removes at most.
const purgeLimit = 1000

// Request identifies a call that may be repeated.
type Request struct {
	// Key is a hash of the UUID that the caller chose. The UUID itself is not stored: one that is made from the time,
	// or from the network card, would tell them.
	Key []byte
	// Method is the RPC, so that one id cannot answer two methods.
	Method string
	// BodyHash is a keyed hash of the request message.
	BodyHash []byte
}

// Insert stores requests; Row gives its rows.
var Insert = pg.InsertInto("idempotency_key", "tenant", "request_key", "method", "body_hash", "record_id", "day")

// Row is the request with the record that answers it. Only the day is stored, that of Italy as in all records: now may
// be the beginning of the day of the record.
func (r Request) Row(t tenant.ID, recordID string, now time.Time) []any {
	return []any{t, r.Key, r.Method, r.BodyHash, recordID, now.In(tz.Rome)}
}

// Queue stores one request with the record that answers it.
func (r Request) Queue(b *pgx.Batch, t tenant.ID, recordID string, now time.Time) {
	Insert.Queue(b, r.Row(t, recordID, now))
}

// IsDuplicate reports whether an error says that the request id is stored already.
func IsDuplicate(err error) bool { return pg.ViolatesConstraint(err, "idempotency_key_pkey") }

const selectKey = `select method, body_hash, record_id from idempotency_key where tenant = $1 and request_key = $2`

// Lookup returns the record that answered the request; ok is false when its id is new. Another method or body under the
// same id is the fault REQUEST_ID_REUSED.
func (r Request) Lookup(ctx context.Context, tx pgx.Tx, t tenant.ID) (recordID string, ok bool, err error) {
	var method string
	var hash []byte
	err = tx.QueryRow(ctx, selectKey, t, r.Key).Scan(&method, &hash, &recordID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("look up request id: %w", err)
	case method != r.Method || !hmac.Equal(hash, r.BodyHash):
		return "", false, fault.New(fault.RequestIDReused)
	}
	return recordID, true, nil
}

// selectStored takes one key at a time: with a list of them, Postgres may rather read all keys of the tenant as long as
// it has no statistics.
const selectStored = `select request_key from idempotency_key where tenant = $1 and request_key = $2`

// Stored returns those of the request keys that are stored. It takes one round trip: the statements of a
// pgx batch are one transaction.
func Stored(ctx context.Context, pool *pgxpool.Pool, t tenant.ID, keys ...[]byte) (found [][]byte, err error) {
	b := &pgx.Batch{}
	b.Queue(pg.SetTenant, t)
	for _, key := range keys {
		b.Queue(selectStored, t, key).Query(func(rows pgx.Rows) error {
			stored, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
			found = append(found, stored...)
			return err
		})
	}
	if err := pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, pg.ToFault(fmt.Errorf("look up request keys: %w", err))
	}
	return found, nil
}

const deleteOld = `delete from idempotency_key where (tenant, request_key) in (
	select tenant, request_key from idempotency_key
	where tenant = $1 and day < $2 limit $3)`

// Purge removes ids older than Retention, a bounded number at a time, and returns how many it removed.
func Purge(ctx context.Context, pool *pgxpool.Pool, t tenant.ID, now time.Time) (n int64, err error) {
	err = pg.InTenant(ctx, pool, t, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, deleteOld, t, now.Add(-Retention).In(tz.Rome), purgeLimit)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}
