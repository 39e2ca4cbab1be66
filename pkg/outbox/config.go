package outbox

import (
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

// Config of a relay. Durations and sizes that are zero take the value in brackets.
type Config struct {
	Partition bus.Partition
	// DB holds the outbox; the rows of the partition's tenant are sent. The relay takes one connection out of the pool
	// for as long as it runs.
	DB         *pgxpool.Pool
	Conn       *nats.Conn
	Signer     *bus.Signer     // key of the node
	CentreKeys *bus.PublicKeys // verify watermarks
	Log        *slog.Logger

	Batch       int           // events numbered in one transaction and published together [256, at most 1000]
	Poll        time.Duration // how often to look for events without being woken [250 ms]
	Heartbeat   time.Duration // [2 s]
	AckWait     time.Duration // how long to wait for the hub's acknowledgement [5 s]
	ResendAfter time.Duration // resend when watermarks arrive but stay below what was published for so long [5 min]
	// BehindAfter is how long watermarks must stay below the acknowledged offset until the centre counts as restored: a
	// single one may be late [10 s].
	BehindAfter time.Duration
	LeaseRetry  time.Duration // how often to try for the lease while another relay holds it [1 s]
	MaxBackoff  time.Duration // longest pause after the broker failed [1 s]; ten times this after it refused an event
}

// tenant owns the rows of the outbox, and of the partition's offsets.
func (c *Config) tenant() tenant.ID { return c.Partition.Tenant }

func (c *Config) setDefaults() error {
	if err := c.Partition.Check(); err != nil {
		return err
	}
	if c.DB == nil || c.Conn == nil || c.Signer == nil || c.CentreKeys == nil {
		return errors.New("relay: database, broker connection, signing key and the centre's keys are required")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Log = c.Log.With(slog.String("partition", c.Partition.String()))
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Poll, 250 * time.Millisecond},
		{&c.Heartbeat, 2 * time.Second},
		{&c.AckWait, 5 * time.Second},
		{&c.ResendAfter, 5 * time.Minute},
		{&c.BehindAfter, 10 * time.Second},
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
