package feed

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/vocabulary"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// Durable is the name of the consumer at the hub, shared by all copies of this service.
const Durable = "reporting"

// Config of a feed. Durations and sizes that are zero take the value in brackets.
type Config struct {
	Store   *store.Store
	Conn    *nats.Conn             // to the hub
	KeysDir string                 // public keys of the nodes; see bus.PublicKeys
	Signer  *bus.Signer            // key of the centre
	Codes   func() *vocabulary.Set // never nil once Run is called
	Stream  bus.StreamOptions
	Log     *slog.Logger

	Batch  int           // events taken in together [256]
	Follow int           // events that follow together where a gap closes [256]
	Tick   time.Duration // how often to answer every line [2 s]
	Wait   time.Duration // how long one request for events stays open at the hub [2 s]

	// AfterCommit is called after a commit and before its events are acknowledged. It is for tests that crash exactly
	// there; production leaves it nil.
	AfterCommit func()
}

func (c *Config) complete() error {
	if c.Store == nil || c.Conn == nil || c.Signer == nil || c.Codes == nil || c.KeysDir == "" {
		return errors.New("feed: store, broker connection, keys, signing key and code lists are needed")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Tick, 2 * time.Second}, {&c.Wait, 2 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	for _, n := range []*int{&c.Batch, &c.Follow} {
		if *n <= 0 {
			*n = 256
		}
	}
	return nil
}

// Feed takes in the events of all nodes.
type Feed struct {
	c     Config
	nodes *bus.PublicKeys
	meter *meter
	beats beats
}

// New checks the configuration and reads the keys.
func New(c Config) (*Feed, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	nodes, err := bus.LoadPublicKeys(c.KeysDir)
	if err != nil {
		return nil, err
	}
	m, err := newMeter(otel.GetMeterProvider())
	if err != nil {
		return nil, err
	}
	return &Feed{c: c, nodes: nodes, meter: m}, nil
}

// Run feeds until ctx ends; it returns nil then. Whatever fails on the way is logged and tried again.
func (f *Feed) Run(ctx context.Context) error {
	unregister, err := f.meter.observe()
	if err != nil {
		return err
	}
	defer unregister()
	sub, err := f.c.Conn.Subscribe(bus.AllHeartbeats, f.hear)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { f.keep(ctx) })

	for failures := 0; ctx.Err() == nil; {
		taken, err := f.session(ctx)
		if taken {
			failures = 0
		}
		if ctx.Err() != nil {
			break
		}
		f.complain(ctx, failures, "events wait: the hub does not give them", err)
		pause(ctx, backoff(failures))
		failures++
	}
	return nil
}

// session makes sure of stream and consumer and takes events until something fails. It tells whether any came.
func (f *Feed) session(ctx context.Context) (taken bool, err error) {
	if _, err := bus.EnsureStream(ctx, f.c.Conn, f.c.Stream); err != nil {
		return false, err
	}
	consumer, err := bus.EnsureConsumer(ctx, f.c.Conn, Durable)
	if err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		pull, err := consumer.Fetch(f.c.Batch, jetstream.FetchMaxWait(f.c.Wait))
		if err != nil {
			return taken, err
		}
		some, err := f.drain(ctx, pull.Messages())
		taken = taken || some
		if err = errors.Join(err, pull.Error()); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// drain takes what one request brings, in pieces: what has come while the last piece was taken is the next one.
func (f *Feed) drain(ctx context.Context, msgs <-chan jetstream.Msg) (taken bool, err error) {
	for {
		piece, open := collect(ctx, msgs)
		if len(piece) > 0 {
			if err = ctx.Err(); err == nil {
				err = f.take(ctx, piece)
			}
			if err != nil {
				for _, m := range piece {
					_ = m.Nak() // an answer that is lost costs the wait for the broker's own
				}
				return taken, err
			}
			taken = true
		}
		if !open {
			return taken, nil
		}
	}
}

// collect waits for a message and takes those that are there with it. open is false when no more will come.
func collect(ctx context.Context, msgs <-chan jetstream.Msg) (piece []jetstream.Msg, open bool) {
	select {
	case <-ctx.Done():
	case m, ok := <-msgs:
		if !ok {
			return nil, false
		}
		piece = append(piece, m)
	}
	for {
		select {
		case m, ok := <-msgs:
			if !ok {
				return piece, false
			}
			piece = append(piece, m)
		default:
			return piece, ctx.Err() == nil
		}
	}
}

// codes answers from the lists of this moment.
func (f *Feed) codes() fact.Codes {
	set := f.c.Codes()
	return func(list, code string) (string, bool) {
		t, ok := set.Lookup(list, code)
		return t.GetGroup(), ok
	}
}

// complain logs the 1st, 2nd, 4th, 8th … failure in a row.
func (f *Feed) complain(ctx context.Context, failures int, message string, err error) {
	if n := failures + 1; n&(n-1) == 0 {
		f.c.Log.WarnContext(ctx, message, slog.Int("failures", n), slog.Any("error", err))
	}
}

// backoff grows from 50 ms to 2 s, give or take a quarter.
func backoff(failures int) time.Duration {
	d := min(50*time.Millisecond<<min(failures, 10), 2*time.Second)
	return d - d/4 + rand.N(d/2+1) //nolint:gosec // spreads the load, guards nothing
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
