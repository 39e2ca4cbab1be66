// Package sequence allocates the numbers that people use for records, per tenant, sequence name and year.
//
// Numbers come from blocks that are reserved ahead, in a transaction of their own: a number drawn inside each write
// would serialise all writes of a tenant. No number is given twice. A block that a stopped process did not use up
// leaves a gap.
package sequence

import (
	"context"
	"embed"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema is the table sequence_block.
var Schema = pg.NewSchema(migrations, "sequence")

// A block is small, because unused numbers are lost with the process. It doubles, up to maxBlock, when the last one was
// used up within growBelow, because every write waits while a block is reserved.
const (
	minBlock  = 32
	maxBlock  = 1024
	growBelow = time.Second
)

// Allocator allocates the numbers of one sequence, for instance "report". It is safe for concurrent use.
type Allocator struct {
	pool *pgxpool.Pool
	name string

	mu     sync.Mutex
	blocks map[blockKey]*block
}

type blockKey struct {
	t    tenant.ID
	year int
}

// block is a reserved range: next is free, end is not. Whoever holds the lock of a block may draw from it; tenants and
// years do not wait for each other.
type block struct {
	lock chan struct{} // holds a value while the block is locked

	next, end, size int64
	reservedAt      time.Time
}

// New returns the allocator of a sequence in pool.
func New(pool *pgxpool.Pool, name string) *Allocator {
	return &Allocator{pool: pool, name: name, blocks: map[blockKey]*block{}}
}

const reserveBlock = `insert into sequence_block (tenant, name, year, next) values ($1, $2, $3, 1 + $4)
	on conflict (tenant, name, year) do update set next = sequence_block.next + $4 returning next - $4`

// Next returns a number of the node and year that was never given before. It returns when ctx ends, also while another
// caller reserves a block.
func (a *Allocator) Next(ctx context.Context, t tenant.ID, year int) (int64, error) {
	b := a.block(blockKey{t, year})
	select {
	case b.lock <- struct{}{}:
	case <-ctx.Done():
		return 0, fault.New(fault.Unavailable).WithCause(ctx.Err())
	}
	defer func() { <-b.lock }()
	if b.next == b.end {
		if err := a.reserve(ctx, t, year, b); err != nil {
			return 0, err
		}
	}
	b.next++
	return b.next - 1, nil
}

func (a *Allocator) block(key blockKey) *block {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.blocks[key]
	if b == nil {
		b = &block{lock: make(chan struct{}, 1)}
		a.blocks[key] = b
	}
	return b
}

// reserve replaces a locked block that is used up.
func (a *Allocator) reserve(ctx context.Context, t tenant.ID, year int, b *block) error {
	size := int64(minBlock)
	if time.Since(b.reservedAt) < growBelow {
		size = min(2*b.size, maxBlock)
	}
	var next int64
	err := pg.InTenant(ctx, a.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, reserveBlock, t, a.name, year, size).Scan(&next)
	})
	if err != nil {
		return fmt.Errorf("reserve numbers: %w", err)
	}
	b.next, b.end, b.size, b.reservedAt = next, next+size, size, time.Now()
	return nil
}
