// Package pg opens Postgres the way every service does: with bounded waits, traces without contents, and a tenant in
// every transaction.
//
// It promises that a transaction of InTenant sees the rows of one tenant only: row security is forced, and its policies
// compare with a setting that SetTenant makes for one transaction. A query without a tenant fails or sees no row. It
// does not promise this for a table without such a policy, nor for a role that bypasses row security. Beside the pool's
// own, it starts no goroutine.
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
	"github.com/retepari/pari/pkg/tenant"
)

// SetTenant is the first statement of a transaction on tenants' tables. Its argument is a tenant.ID.
const SetTenant = `select set_config('app.tenant', $1, true)`

// maxConns bounds the connections of a pool, unless the address sets pool_max_conns. It does not depend on the cores
// here: calls wait for the database's disk, which serves many at once.
const maxConns = 16

// Connect opens a connection pool. It returns once the address is parsed, also while Postgres is away.
func Connect(_ context.Context, url string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database address cannot be parsed")
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
		c.MaxConns = maxConns
	}
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	// A span is named after the statement's verb. Statements and arguments are not recorded.
	c.ConnConfig.Tracer = otelpgx.NewTracer(
		otelpgx.WithDisableSQLStatementInAttributes(), otelpgx.WithSpanNameFunc(spanName))
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

// InTenant runs f in a transaction that sees the rows of one tenant, and commits when f returns nil. An error of f is
// returned as ToFault makes it.
func InTenant(
	ctx context.Context, pool *pgxpool.Pool, t tenant.ID, f func(ctx context.Context, tx pgx.Tx) error,
) (err error) {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return ToFault(err)
	}
	committed := false
	defer func() {
		if !committed { // also after a panic in f
			// The rollback must reach the server also when the caller's context has ended.
			cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_ = tx.Rollback(cleanup)
		}
	}()
	if _, err = tx.Exec(ctx, SetTenant, t); err != nil {
		return ToFault(err)
	}
	if err = f(ctx, tx); err != nil {
		return ToFault(err)
	}
	if err = tx.Commit(ctx); err != nil {
		return ToFault(err)
	}
	committed = true
	return nil
}

// ToFault turns a database error into the fault UNAVAILABLE when a retry may help. Other errors, and faults, are
// returned unchanged.
func ToFault(err error) error {
	if err == nil {
		return nil
	}
	if fault.ReasonOf(err) != "" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) || pgconn.SafeToRetry(err) || connectionLost(err) {
			return fault.New(fault.Unavailable).WithCause(err)
		}
		return err
	}
	switch refused.Code[:2] {
	case "08", "53", "57", "40", "55": // connection, resources, shutdown, serialisation and deadlock, locks
		return fault.New(fault.Unavailable).WithCause(err)
	}
	return err
}

// connectionLost reports whether the connection broke during the query.
func connectionLost(err error) bool {
	var network net.Error
	return errors.As(err, &network) || // net.ErrClosed too
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasSuffix(err.Error(), "conn closed")
}

// ViolatesConstraint reports whether err reports a violation of the named constraint.
func ViolatesConstraint(err error, constraint string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.ConstraintName == constraint
}
