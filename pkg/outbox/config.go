package outbox

import (
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
	Pool   *pgxpool.Pool // the relay takes one connection out of it, for as long as it leads
	Conn   *nats.Conn
	Signer *bus.Signer // key of the node
	Centre *bus.Keys   // key of the centre, for watermarks
	Log    *slog.Logger

	Batch       int           // events numbered, and published without waiting for each other [256]
	Poll        time.Duration // how often to look without being woken [250 ms]
	Heartbeat   time.Duration // [2 s]
	AckWait     time.Duration // how long to wait for the hub [5 s]
	ResendAfter time.Duration // sent and not covered by a watermark for so long: sent again [5 min]
	LeaseRetry  time.Duration // how often to try for the lease while another relay has it [1 s]

	// AfterPublish is called with the number of an event that the hub acknowledged and that is not marked yet. It is
	// for tests that crash exactly there; production leaves it nil.
	AfterPublish func(nodeSeq int64)
}

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
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Poll, 250 * time.Millisecond},
		{&c.Heartbeat, 2 * time.Second},
		{&c.AckWait, 5 * time.Second},
		{&c.ResendAfter, 5 * time.Minute},
		{&c.LeaseRetry, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Batch <= 0 {
		c.Batch = 256
	}
	return nil
}
