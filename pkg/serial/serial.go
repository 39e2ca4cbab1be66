// Package serial hands out the numbers that people use for records, per node, series and year. Numbers come from blocks
// that are reserved ahead, in a transaction of their own: a number drawn within each write would make every write of a node
// wait for the one before it. A block that was begun and not used up leaves a gap; no number is given twice.
package serial

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
)

//go:embed migrations/*.sql
var migrations embed.FS

// VersionTable is where the migrations of this package are recorded.
const VersionTable = "serial_version"

// Migrations make the table number_block.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded: this cannot happen in a built program
	}
	return sub
}

// How many numbers are reserved at a time: few, because those that nobody used are lost with the process; twice as many as
// before when they lasted for less than a second, because every write waits while they are reserved.
const (
	fewest = 32
	most   = 1024
)

// Numbers of one series, for instance of reports.
type Numbers struct {
	pool   *pgxpool.Pool
	series string

	mu   sync.Mutex
	left map[period]span
}

type period struct {
	node string
	year int
}

type span struct {
	next, end, size int64
	reserved        time.Time
}

// New returns the numbers of a series in pool.
func New(pool *pgxpool.Pool, series string) *Numbers {
	return &Numbers{pool: pool, series: series, left: map[period]span{}}
}

const reserve = `insert into number_block (node, series, year, next) values ($1, $2, $3, 1 + $4)
	on conflict (node, series, year) do update set next = number_block.next + $4 returning next - $4`

// Next returns a number that was never given before.
func (n *Numbers) Next(ctx context.Context, node string, year int) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := period{node, year}
	have := n.left[key]
	if have.next == have.end {
		size := int64(fewest)
		if time.Since(have.reserved) < time.Second {
			size = min(2*have.size, most)
		}
		err := pg.InTenant(ctx, n.pool, node, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, reserve, node, n.series, year, size).Scan(&have.next)
		})
		if err != nil {
			return 0, fmt.Errorf("reserve numbers: %w", err)
		}
		have.end, have.size, have.reserved = have.next+size, size, time.Now()
	}
	number := have.next
	have.next++
	n.left[key] = have
	return number, nil
}
