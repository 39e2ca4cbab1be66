// Package pg opens Postgres the way every service does: bounded, traced without contents, and with a tenant in every
// transaction. Row security is the second wall; a query outside InTenant sees nothing, because the policies ask for a
// tenant that only InTenant sets.
package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
)

// SetTenant is the first statement of every transaction on tables of a tenant; its argument is the node.
const SetTenant = `select set_config('app.node', $1, true)`

// maxConns is how many connections a pool opens at most, unless pool_max_conns in the address says otherwise.
const maxConns = 16

// Connect opens a pool. It returns as soon as the address is understood, also while Postgres is away.
func Connect(_ context.Context, url string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database address cannot be read")
	}
	for name, value := range map[string]string{
		"statement_timeout":                   "15s",
		"lock_timeout":                        "5s",
		"idle_in_transaction_session_timeout": "30s",
	} {
		if _, set := c.ConnConfig.RuntimeParams[name]; !set {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
	if !strings.Contains(url, "pool_max_conns") {
		c.MaxConns = maxConns // not by the cores of this machine: what waits is the database's disk, which serves many at once
	}
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	// Span names are the verbs of the statements; no statement and no argument is recorded.
	c.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithDisableSQLStatementInAttributes(), otelpgx.WithSpanNameFunc(spanName))
	pool, err := pgxpool.NewWithConfig(context.Background(), c)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return pool, nil
}

func spanName(sql string) string {
	for i, r := range sql {
		if r == ' ' || r == '\n' {
			return sql[:i]
		}
	}
	return "statement"
}

// InTenant runs f in a transaction that sees the rows of one node, and commits when f returns nil. Whatever f returns is
// returned as it is; what the database refuses becomes a fault.
func InTenant(ctx context.Context, pool *pgxpool.Pool, node string, f func(ctx context.Context, tx pgx.Tx) error) (err error) {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return Fault(err)
	}
	defer func() {
		if err != nil {
			// The rollback must reach the server also when the caller has gone.
			cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_ = tx.Rollback(cleanup)
		}
	}()
	if _, err = tx.Exec(ctx, SetTenant, node); err != nil {
		return Fault(err)
	}
	if err = f(ctx, tx); err != nil {
		return Fault(err)
	}
	if err = tx.Commit(ctx); err != nil {
		return Fault(err)
	}
	return nil
}

// Fault names what a database error means to a caller: UNAVAILABLE when trying again may help, else the error itself. A
// fault passes as it is.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	if fault.ReasonOf(err) != "" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, pgx.ErrTooManyRows) {
			return err
		}
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) || broken(err) {
			return fault.New(fault.Unavailable).Because(err)
		}
		return err
	}
	switch refused.Code[:2] {
	case "08", "53", "57", "40", "55": // connection, resources, shutdown, serialisation and deadlock, locks
		return fault.New(fault.Unavailable).Because(err)
	}
	return err
}

// broken tells whether the connection was lost on the way.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.HasSuffix(err.Error(), "conn closed")
}

// Violates tells whether err says that a constraint was violated, by its name.
func Violates(err error, constraint string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.ConstraintName == constraint
}
