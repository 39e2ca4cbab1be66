// Package seal keeps personal data unreadable at rest by envelope encryption, and derives the codes and tokens that
// only a holder of the node's secrets can compute.
//
//	KEK of the node (file or vault) ── wraps ──► data key (key database) ── encrypts ──► field (service database)
//
// Every record has a data key of its own. It promises: without the key database, or without the node's key-encryption
// key (KEK), a sealed field is unreadable; a ciphertext opens only for the tenant, record, field and version that it
// was sealed for; Destroy makes all fields of a record unreadable, in every copy and backup of the service database
// too.
//
// Data keys are generated ahead of use and are durable before they are handed out, so sealing costs one round trip a
// second at most. A key that was never used has encrypted nothing. NewKey may start goroutines: one refills the pool of
// unused keys, one checks that the database still has them.
package seal

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema is the table data_key of a key database.
var Schema = pg.NewSchema(migrations, "seal")

const (
	// generateBatch is how many data keys are generated and stored at a time.
	generateBatch = 128
	// refillBelow is how few unused keys start a refill.
	refillBelow = 64
	// unusedFor is how long an unused key may wait to be handed out: less than CollectAfter.
	unusedFor = 30 * 24 * time.Hour
	// refillTimeout bounds a refill in the background.
	refillTimeout = 10 * time.Second
	// storedFor is how long an unused key counts as stored after the database had it: less than any restore takes.
	storedFor = time.Second
	// checkTimeout bounds a check of the unused keys. A database that does not answer in time is away.
	checkTimeout = 500 * time.Millisecond
)

// KeyStore is the key database of a service, opened with the key-encryption key (KEK) of each tenant. It is safe for
// concurrent use.
type KeyStore struct {
	db   *pgxpool.Pool
	keks map[tenant.ID]tink.AEAD
	log  *slog.Logger

	mu      sync.Mutex
	unused  map[tenant.ID][]DataKey // stored, not handed out yet; the last is handed out first
	refills map[tenant.ID]*task     // running, at most one for each tenant
	checks  map[tenant.ID]*task     // likewise
}

// keyBatch is a batch of data keys, which the database has or has not as a whole: they were committed together.
type keyBatch struct {
	last      uuid.UUID // the key that is handed out last
	generated time.Time
	stored    time.Time // the database had the batch
}

// task is a refill or a check of a tenant's unused keys, which several callers may wait for.
type task struct {
	done chan struct{} // closed when it has ended
	err  error         // set before
}

// OpenKeyStore opens the key database in db with the file of each tenant's KEK.
func OpenKeyStore(db *pgxpool.Pool, kekFiles map[tenant.ID]string, log *slog.Logger) (*KeyStore, error) {
	s := &KeyStore{
		db: db, log: log, keks: map[tenant.ID]tink.AEAD{},
		unused: map[tenant.ID][]DataKey{}, refills: map[tenant.ID]*task{}, checks: map[tenant.ID]*task{},
	}
	for t, path := range kekFiles {
		kek, err := loadAEAD(path)
		if err != nil {
			return nil, fmt.Errorf("key-encryption key of %s: %w", t, err)
		}
		s.keks[t] = kek
	}
	return s, nil
}

// errNoKEK is returned for a tenant that the service does not serve.
var errNoKEK = errors.New("no key-encryption key of this tenant")

// NewKey returns a data key that is durable and was never handed out. It waits for the database when no unused key is
// left, and when it has not seen for a second that the database has the unused keys. When the key database does not
// answer, unused keys are handed out, and then NewKey returns the fault UNAVAILABLE. However many callers wait, one
// batch of a tenant is generated at a time.
func (s *KeyStore) NewKey(ctx context.Context, t tenant.ID) (DataKey, error) {
	for away := false; ; {
		key, check, refill := s.take(ctx, t, away)
		running := refill
		switch {
		case check != nil:
			running = check
		case key.aead != nil:
			return key, nil
		}
		select {
		case <-ctx.Done():
			return DataKey{}, fault.New(fault.Unavailable).WithCause(ctx.Err())
		case <-running.done:
		}
		if away = check != nil && check.err != nil; !away && running.err != nil {
			return DataKey{}, running.err
		}
	}
}

// take takes an unused key. When few or none are left it starts a refill, unless one runs; without a key it returns the
// refill to wait for. When the database may have lost the unused keys it takes none, and returns the check to wait for.
// The database does not answer when it is away, so nothing is checked then.
func (s *KeyStore) take(ctx context.Context, t tenant.ID, away bool) (key DataKey, check, refill *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := s.unused[t]
	if n := len(unused); n > 0 && time.Since(unused[n-1].batch.generated) > unusedFor {
		unused = nil // Collect may have deleted them
	}
	if n := len(unused); n > 0 {
		if !away && time.Since(unused[n-1].batch.stored) > storedFor {
			return DataKey{}, start(ctx, s.checks, t, s.check), nil
		}
		key, unused = unused[n-1], unused[:n-1]
		key.batch = nil
	}
	s.unused[t] = unused
	refill = s.refills[t]
	if len(unused) < refillBelow {
		refill = start(ctx, s.refills, t, s.refill)
	}
	return key, nil, refill
}

// start starts a task for a tenant, unless one runs, and returns it.
func start(
	ctx context.Context, running map[tenant.ID]*task, t tenant.ID, run func(context.Context, tenant.ID, *task),
) *task {
	if running[t] == nil {
		running[t] = &task{done: make(chan struct{})}
		go run(context.WithoutCancel(ctx), t, running[t])
	}
	return running[t]
}

// check asks the database for the unused keys of a tenant and drops those that it does not have. They are in memory
// while the database may be restored to a state before they were generated: what they seal then could never be opened,
// and nobody would notice before it is read. It asks for the key of each batch that is handed out last, so that the
// statements do not tell which key was used when.
func (s *KeyStore) check(ctx context.Context, t tenant.ID, c *task) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	batches := map[uuid.UUID]*keyBatch{}
	var ids []uuid.UUID
	s.mu.Lock()
	for _, key := range s.unused[t] {
		if batches[key.batch.last] == nil {
			batches[key.batch.last], ids = key.batch, append(ids, key.batch.last)
		}
	}
	s.mu.Unlock()
	asked := time.Now()
	found, err := s.listStored(ctx, t, ids)
	s.mu.Lock()
	if err == nil {
		for _, id := range found {
			batches[id].stored = asked
		}
		before := len(s.unused[t])
		s.unused[t] = slices.DeleteFunc(s.unused[t], func(k DataKey) bool {
			return batches[k.batch.last] != nil && !slices.Contains(found, k.batch.last)
		})
		if dropped := before - len(s.unused[t]); dropped > 0 {
			s.log.WarnContext(ctx, "unused data keys dropped: the key database does not have them",
				slog.Int("keys", dropped))
		}
	}
	delete(s.checks, t)
	s.mu.Unlock()
	c.err = err
	close(c.done)
}

const selectStored = `select key_id from data_key where tenant = $1 and key_id = any ($2)`

// listStored returns those of the keys that the database has. It takes one round trip: the statements of a pgx batch
// are one transaction.
func (s *KeyStore) listStored(ctx context.Context, t tenant.ID, ids []uuid.UUID) (found []uuid.UUID, err error) {
	b := &pgx.Batch{}
	b.Queue(pg.SetTenant, t)
	b.Queue(selectStored, t, ids).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err := s.db.SendBatch(ctx, b).Close(); err != nil {
		return nil, pg.ToFault(fmt.Errorf("list data keys: %w", err))
	}
	return found, nil
}

func (s *KeyStore) refill(ctx context.Context, t tenant.ID, r *task) {
	ctx, cancel := context.WithTimeout(ctx, refillTimeout)
	defer cancel()
	keys, err := s.generate(ctx, t)
	if err != nil {
		s.log.WarnContext(ctx, "data key generation failed", slog.Any("error", err))
	}
	s.mu.Lock()
	s.unused[t] = append(s.unused[t], keys...)
	delete(s.refills, t)
	s.mu.Unlock()
	r.err = err
	close(r.done)
}

var insertKey = pg.InsertInto("data_key", "tenant", "key_id", "wrapped")

// generate creates a batch of data keys and commits them, wrapped.
func (s *KeyStore) generate(ctx context.Context, t tenant.ID) ([]DataKey, error) {
	kek, ok := s.keks[t]
	if !ok {
		return nil, errNoKEK
	}
	keys, batch := make([]DataKey, generateBatch), &keyBatch{generated: time.Now()}
	rows := make([][]any, generateBatch)
	for i := range keys {
		handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
		if err != nil {
			return nil, fmt.Errorf("generate data key: %w", err)
		}
		keys[i].id, keys[i].batch = uuid.New(), batch
		if keys[i].aead, err = aead.New(handle); err != nil {
			return nil, fmt.Errorf("generate data key: %w", err)
		}
		var wrapped bytes.Buffer
		writer := keyset.NewBinaryWriter(&wrapped)
		if err := handle.WriteWithAssociatedData(writer, kek, wrapAssociatedData(t, keys[i].id)); err != nil {
			return nil, fmt.Errorf("wrap data key: %w", err)
		}
		rows[i] = []any{t, keys[i].id, wrapped.Bytes()}
	}
	err := pg.InTenant(ctx, s.db, t, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		insertKey.Queue(b, rows...)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, err
	}
	// The rows lie in the order of the batch. Used in that order, they would tell the order of the records.
	//nolint:gosec // G404: the generator is ChaCha8, seeded by the system
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	batch.last, batch.stored = keys[0].id, time.Now()
	return keys, nil
}

func wrapAssociatedData(t tenant.ID, id uuid.UUID) []byte {
	return []byte("data-key:" + t.String() + ":" + id.String())
}

const selectKey = `select wrapped from data_key where tenant = $1 and key_id = $2`

// Get reads a record's data key. It is never cached, so a destroyed key is gone at once. A destroyed key, and the key
// of another tenant, are NOT_FOUND.
func (s *KeyStore) Get(ctx context.Context, t tenant.ID, id uuid.UUID) (DataKey, error) {
	kek, ok := s.keks[t]
	if !ok {
		return DataKey{}, errNoKEK
	}
	var wrapped []byte
	err := pg.InTenant(ctx, s.db, t, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, selectKey, t, id).Scan(&wrapped)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return DataKey{}, fault.New(fault.NotFound)
	}
	if err != nil {
		return DataKey{}, err
	}
	reader := keyset.NewBinaryReader(bytes.NewReader(wrapped))
	handle, err := keyset.ReadWithAssociatedData(reader, kek, wrapAssociatedData(t, id))
	if err != nil {
		return DataKey{}, errors.New("data key does not unwrap with the tenant's KEK")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return DataKey{}, fmt.Errorf("data key: %w", err)
	}
	return DataKey{id: id, aead: primitive}, nil
}

const deleteKey = `delete from data_key where tenant = $1 and key_id = $2`

// Destroy deletes a record's data key for good.
func (s *KeyStore) Destroy(ctx context.Context, t tenant.ID, id uuid.UUID) error {
	return pg.InTenant(ctx, s.db, t, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, deleteKey, t, id)
		return err
	})
}
