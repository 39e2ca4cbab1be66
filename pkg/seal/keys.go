// Package seal keeps what people told unreadable at rest. Each record has a data key of its own; the data key is wrapped by
// the node's key-encryption key and lies in a database of its own, with backups of its own; what is sealed with it says, and
// the cipher checks, for which node, record, field and version it was sealed.
//
//	node key (file or vault) ── wraps ──► data key (key database) ── seals ──► field (service database)
//
// It promises: without the key database, or without the node's key, a sealed field is noise; it opens only in the place it
// was sealed for; Destroy makes every field of a record unreadable, also in every copy and backup of the service database.
// Data keys are minted ahead of use, durably, so that sealing costs no round trip; keys that nobody used seal nothing.
package seal

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
)

//go:embed migrations/*.sql
var migrations embed.FS

// VersionTable is where the migrations of the key database are recorded.
const VersionTable = "seal_version"

// Migrations make the table data_key of a key database.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded: this cannot happen in a built program
	}
	return sub
}

// How many keys are minted at a time, and below how many the next ones are.
const (
	batch = 128
	low   = 64
)

// Keys is the key database of a service, with the node's key.
type Keys struct {
	pool *pgxpool.Pool
	kek  tink.AEAD
	log  *slog.Logger

	mu      sync.Mutex
	stock   map[string][]Key // by node
	minting map[string]bool
}

// OpenKeys uses the node's key in kekFile for the keys in pool.
func OpenKeys(pool *pgxpool.Pool, kekFile string, log *slog.Logger) (*Keys, error) {
	kek, err := loadAEAD(kekFile)
	if err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	return &Keys{pool: pool, kek: kek, log: log, stock: map[string][]Key{}, minting: map[string]bool{}}, nil
}

// Key seals the fields of one record.
type Key struct {
	id   uuid.UUID
	aead tink.AEAD
}

// Place is where a sealed field belongs. It opens nowhere else.
type Place struct {
	Node, Record, Field string
	Version             int
}

func (p Place) bytes() []byte {
	var b bytes.Buffer
	for _, part := range []string{p.Node, p.Record, p.Field} {
		fmt.Fprintf(&b, "%d:%s", len(part), part)
	}
	fmt.Fprintf(&b, "v%d", p.Version)
	return b.Bytes()
}

// ID names the key in the key database; keep it with the record.
func (k Key) ID() uuid.UUID { return k.id }

// Seal encrypts a field for its place. Nothing stays nothing.
func (k Key) Seal(p Place, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	sealed, err := k.aead.Encrypt(plain, p.bytes())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts what Seal encrypted for the same place.
func (k Key) Open(p Place, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := k.aead.Decrypt(sealed, p.bytes())
	if err != nil {
		return nil, errors.New("what was sealed does not open here")
	}
	return plain, nil
}

// Take returns a key that nobody has used and that is already durable. It waits only when the stock is empty; it returns
// the fault UNAVAILABLE when the key database is away then.
func (k *Keys) Take(ctx context.Context, node string) (Key, error) {
	k.mu.Lock()
	stock := k.stock[node]
	if n := len(stock); n > 0 {
		key := stock[n-1]
		k.stock[node] = stock[:n-1]
		refill := n-1 < low && !k.minting[node]
		k.minting[node] = k.minting[node] || refill
		k.mu.Unlock()
		if refill {
			go k.refill(context.WithoutCancel(ctx), node)
		}
		return key, nil
	}
	k.mu.Unlock()
	keys, err := k.mint(ctx, node)
	if err != nil {
		return Key{}, err
	}
	k.mu.Lock()
	k.stock[node] = append(k.stock[node], keys[1:]...)
	k.mu.Unlock()
	return keys[0], nil
}

func (k *Keys) refill(ctx context.Context, node string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	keys, err := k.mint(ctx, node)
	if err != nil {
		k.log.WarnContext(ctx, "data keys not minted", slog.Any("error", err))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stock[node] = append(k.stock[node], keys...)
	k.minting[node] = false
}

// mint makes a batch of keys and commits them.
func (k *Keys) mint(ctx context.Context, node string) ([]Key, error) {
	keys := make([]Key, batch)
	rows := make([][]any, batch)
	for i := range keys {
		handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
		if err != nil {
			return nil, fmt.Errorf("data key: %w", err)
		}
		keys[i].id = uuid.New()
		if keys[i].aead, err = aead.New(handle); err != nil {
			return nil, fmt.Errorf("data key: %w", err)
		}
		var wrapped bytes.Buffer
		if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&wrapped), k.kek, wrapping(node, keys[i].id)); err != nil {
			return nil, fmt.Errorf("wrap data key: %w", err)
		}
		rows[i] = []any{node, keys[i].id, wrapped.Bytes()}
	}
	err := pg.InTenant(ctx, k.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		insertKey.Queue(b, rows...)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func wrapping(node string, id uuid.UUID) []byte {
	return []byte("data-key:" + node + ":" + id.String())
}

// Find reads a record's key from the key database; it is kept nowhere else. A key that was destroyed, or is another
// node's, is NOT_FOUND.
func (k *Keys) Find(ctx context.Context, node string, id uuid.UUID) (Key, error) {
	var wrapped []byte
	err := pg.InTenant(ctx, k.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, statements["find"], node, id).Scan(&wrapped)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, fault.New(fault.NotFound)
	}
	if err != nil {
		return Key{}, err
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), k.kek, wrapping(node, id))
	if err != nil {
		return Key{}, errors.New("a data key does not open with the node's key")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return Key{}, fmt.Errorf("data key: %w", err)
	}
	return Key{id: id, aead: primitive}, nil
}

// Destroy removes a record's key for good.
func (k *Keys) Destroy(ctx context.Context, node string, id uuid.UUID) error {
	return pg.InTenant(ctx, k.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, statements["destroy"], node, id)
		return err
	})
}

var insertKey = pg.InsertInto("data_key", "node", "key_id", "wrapped")

var statements = map[string]string{
	"mint":    insertKey.SQL(),
	"find":    `select wrapped from data_key where node = $1 and key_id = $2`,
	"destroy": `delete from data_key where node = $1 and key_id = $2`,
}
