package outbox

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
)

// Config of a relay. Durations and sizes that are zero take the value in brackets.
type Config struct {
	Line   bus.Line
	Tenant string        // whose rows are sent [Line.Node]: a service that sends a line per region keeps them by region
	Pool   *pgxpool.Pool // the relay takes one connection out of it, for as long as it runs
	Conn   *nats.Conn
	Signer *bus.Signer // key of the node
	Centre *bus.Keys   // key of the centre, for watermarks
	Log    *slog.Logger

	Batch       int           // events numbered in one transaction and published together [256, at most 1000]
	Poll        time.Duration // how often to look without being woken [250 ms]
	Heartbeat   time.Duration // [2 s]
	AckWait     time.Duration // how long to wait for the hub [5 s]
	ResendAfter time.Duration // the centre speaks and its watermark stands still below what was sent: sent again [5 min]
	LeaseRetry  time.Duration // how often to try for the lease while another relay has it [1 s]
	MaxBackoff  time.Duration // longest pause after the broker failed [1 s]; an event that it refuses waits ten times this

	// AfterPublish is called with the number of each event that the hub acknowledged and that is not marked yet. It is
	// for tests that crash exactly there; production leaves it nil.
	AfterPublish func(nodeSeq int64)
}

// tenant is whose rows the relay sends, and where it keeps how far they are.
func (c *Config) tenant() string { return cmp.Or(c.Tenant, c.Line.Node) }

func (c *Config) complete() error {
	if err := c.Line.Check(); err != nil {
		return err
	}
	if c.Pool == nil || c.Conn == nil || c.Signer == nil || c.Centre == nil {
		return errors.New("relay: pool, broker connection, signing key and centre's key are needed")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Log = c.Log.With(slog.String("line", c.Line.String()))
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Poll, 250 * time.Millisecond},
		{&c.Heartbeat, 2 * time.Second},
		{&c.AckWait, 5 * time.Second},
		{&c.ResendAfter, 5 * time.Minute},
		{&c.LeaseRetry, time.Second},
		{&c.MaxBackoff, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Batch <= 0 {
		c.Batch = 256
	}
	c.Batch = min(c.Batch, 1000)
	return nil
}
