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
// Data keys are generated ahead of use and are durable before they are handed out, so sealing costs no round trip. A
// key that was never used has encrypted nothing. NewKey may start a goroutine that refills the pool of unused keys.
package seal

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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
)

// KeyStore is the key database of a service, opened with the key-encryption key (KEK) of each tenant. It is safe for
// concurrent use.
type KeyStore struct {
	db   *pgxpool.Pool
	keks map[tenant.ID]tink.AEAD
	log  *slog.Logger

	mu      sync.Mutex
	unused  map[tenant.ID][]DataKey // stored, not handed out yet
	refills map[tenant.ID]*refill   // running, at most one for each tenant
}

// refill is the generation of a batch of data keys, which several callers may wait for.
type refill struct {
	done chan struct{} // closed when it has ended
	err  error         // set before
}

// OpenKeyStore opens the key database in db with the file of each tenant's KEK.
func OpenKeyStore(db *pgxpool.Pool, kekFiles map[tenant.ID]string, log *slog.Logger) (*KeyStore, error) {
	s := &KeyStore{
		db: db, log: log, keks: map[tenant.ID]tink.AEAD{},
		unused: map[tenant.ID][]DataKey{}, refills: map[tenant.ID]*refill{},
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

// NewKey returns a data key that is durable and was never handed out. It waits for the database only when no unused key
// is left; it then returns the fault UNAVAILABLE when the key database does not answer. However many callers wait, one
// batch of a tenant is generated at a time.
func (s *KeyStore) NewKey(ctx context.Context, t tenant.ID) (DataKey, error) {
	for {
		key, ok, running := s.take(ctx, t)
		if ok {
			return key, nil
		}
		select {
		case <-ctx.Done():
			return DataKey{}, fault.New(fault.Unavailable).WithCause(ctx.Err())
		case <-running.done:
			if running.err != nil {
				return DataKey{}, running.err
			}
		}
	}
}

// take takes an unused key. When few or none are left it starts a refill, unless one runs; without a key it returns the
// refill to wait for.
func (s *KeyStore) take(ctx context.Context, t tenant.ID) (key DataKey, ok bool, running *refill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := s.unused[t]
	if n := len(unused); n > 0 && time.Since(unused[n-1].generated) > unusedFor {
		unused = nil // Collect may have deleted them
	}
	if ok = len(unused) > 0; ok {
		key, unused = unused[len(unused)-1], unused[:len(unused)-1]
	}
	s.unused[t] = unused
	running = s.refills[t]
	if running == nil && len(s.unused[t]) < refillBelow {
		running = &refill{done: make(chan struct{})}
		s.refills[t] = running
		go s.refill(context.WithoutCancel(ctx), t, running)
	}
	return key, ok, running
}

func (s *KeyStore) refill(ctx context.Context, t tenant.ID, r *refill) {
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
	keys := make([]DataKey, generateBatch)
	rows := make([][]any, generateBatch)
	for i := range keys {
		handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
		if err != nil {
			return nil, fmt.Errorf("generate data key: %w", err)
		}
		keys[i].id, keys[i].generated = uuid.New(), time.Now()
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
