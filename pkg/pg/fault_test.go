package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
)

// unsent is an error before anything was sent to the server.
type unsent struct{}

func (unsent) Error() string     { return "conn busy" }
func (unsent) SafeToRetry() bool { return true }

// Ensure an error is UNAVAILABLE exactly when a retry may help, because clients retry it and give up on all others.
func TestToFault(t *testing.T) {
	t.Parallel()
	transient := map[string]error{
		"connection failure":    &pgconn.PgError{Code: "08006"},
		"too many connections":  &pgconn.PgError{Code: "53300"},
		"shutdown":              &pgconn.PgError{Code: "57P01"},
		"statement timeout":     &pgconn.PgError{Code: "57014"},
		"serialization failure": &pgconn.PgError{Code: "40001"},
		"deadlock":              &pgconn.PgError{Code: "40P01"},
		"lock timeout":          &pgconn.PgError{Code: "55P03"},
		"connect":               &pgconn.ConnectError{Config: &pgconn.Config{}},
		"network":               &net.OpError{Op: "read", Err: errors.New("connection reset by peer")},
		"EOF":                   io.EOF,
		"unexpected EOF":        io.ErrUnexpectedEOF,
		"closed":                net.ErrClosed,
		"conn closed":           errors.New("conn closed"),
		"nothing sent":          unsent{},
	}
	for name, err := range transient {
		got := pg.ToFault(fmt.Errorf("query: %w", err))
		if !fault.Is(got, fault.Unavailable) || !errors.Is(got, err) {
			t.Errorf("%s: got %v", name, got)
		}
	}
	permanent := map[string]error{
		"unique violation": &pgconn.PgError{Code: "23505"},
		"missing table":    &pgconn.PgError{Code: "42P01"},
		"permission":       &pgconn.PgError{Code: "42501"},
		"bad value":        &pgconn.PgError{Code: "22P02"},
		"no rows":          pgx.ErrNoRows,
		"too many rows":    pgx.ErrTooManyRows,
		"canceled":         context.Canceled,
		"deadline":         context.DeadlineExceeded,
		"canceled dialing": &net.OpError{Op: "dial", Err: context.Canceled},
		"a fault":          fault.New(fault.NotFound).WithCause(io.EOF),
		"scan":             errors.New("cannot scan null into *string"),
		"closed elsewhere": errors.New("conn closed by the peer"),
	}
	for name, err := range permanent {
		wrapped := fmt.Errorf("query: %w", err)
		if got := pg.ToFault(wrapped); got != wrapped { //nolint:errorlint // the same error, not one that wraps it
			t.Errorf("%s: got %v", name, got)
		}
	}
	if got := pg.ToFault(nil); got != nil {
		t.Errorf("nil: got %v", got)
	}
}
