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

// Durable is the name of the consumer at the hub, shared by all replicas of this service.
const Durable = "reporting"

// Config of a Feed. Durations and sizes that are zero take the value in brackets.
type Config struct {
	Store   *store.Store
	Conn    *nats.Conn             // to the hub
	KeysDir string                 // public keys of the nodes; see bus.PublicKeys
	Signer  *bus.Signer            // key of the centre
	Codes   func() *vocabulary.Set // must not return nil once Run is called
	Stream  bus.StreamOptions
	Log     *slog.Logger

	Batch      int           // events fetched and applied together [256]
	DrainLimit int           // buffered events applied together when a gap closes [256]
	Tick       time.Duration // how often a watermark is sent for every partition [2 s]
	FetchWait  time.Duration // how long a fetch request stays open at the hub [2 s]

	// AfterCommit is called after a commit and before its messages are acknowledged. Tests use it to crash there;
	// production leaves it nil.
	AfterCommit func()
}

func (c *Config) setDefaults() error {
	if c.Store == nil || c.Conn == nil || c.Signer == nil || c.Codes == nil || c.KeysDir == "" {
		return errors.New("feed: store, broker connection, keys, signing key and code lists are required")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	for _, d := range []*time.Duration{&c.Tick, &c.FetchWait} {
		if *d <= 0 {
			*d = 2 * time.Second
		}
	}
	for _, n := range []*int{&c.Batch, &c.DrainLimit} {
		if *n <= 0 {
			*n = 256
		}
	}
	return nil
}

// Feed consumes the events of all nodes.
type Feed struct {
	c          Config
	keys       *bus.PublicKeys // of the nodes
	metrics    *metrics
	heartbeats heartbeats
	position   position
}

// New checks the configuration and loads the public keys.
func New(c Config) (*Feed, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	keys, err := bus.LoadPublicKeys(c.KeysDir, c.Log)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(otel.GetMeterProvider())
	if err != nil {
		return nil, err
	}
	return &Feed{c: c, keys: keys, metrics: m, heartbeats: newHeartbeats()}, nil
}

// Run consumes until ctx ends; then it returns nil. Failures are logged and retried.
func (f *Feed) Run(ctx context.Context) error {
	unregister, err := f.metrics.registerGauges()
	if err != nil {
		return err
	}
	defer unregister()
	sub, err := f.c.Conn.Subscribe(bus.AllHeartbeats, f.onHeartbeat)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { f.maintain(ctx) })

	for failures := 0; ctx.Err() == nil; {
		received, err := f.consume(ctx)
		if received {
			failures = 0
		}
		if ctx.Err() != nil {
			break
		}
		f.logBackoff(ctx, failures, "event fetch failed", err)
		sleep(ctx, backoff(failures))
		failures++
	}
	return nil
}

// consume ensures that stream and consumer exist, and processes events until something fails. It reports whether any
// were processed.
func (f *Feed) consume(ctx context.Context) (received bool, err error) {
	if _, err := bus.EnsureStream(ctx, f.c.Conn, f.c.Stream); err != nil {
		return false, err
	}
	consumer, err := bus.EnsureConsumer(ctx, f.c.Conn, Durable)
	if err != nil {
		return false, err
	}
	if f.position.unknown() {
		if err := f.comparePosition(ctx, true); err != nil {
			return false, err
		}
	}
	for ctx.Err() == nil {
		fetch, err := consumer.Fetch(f.c.Batch, jetstream.FetchMaxWait(f.c.FetchWait))
		if err != nil {
			return received, err
		}
		processed, err := f.processFetch(ctx, fetch.Messages())
		received = received || processed
		if err = errors.Join(err, fetch.Error()); err != nil {
			return received, err
		}
	}
	return received, nil
}

// processFetch processes the messages of one fetch. Messages that arrive while a batch is processed form the next
// batch.
func (f *Feed) processFetch(ctx context.Context, msgs <-chan jetstream.Msg) (processed bool, err error) {
	for {
		batch, open := collect(ctx, msgs)
		if len(batch) > 0 {
			if err = ctx.Err(); err == nil {
				err = f.process(ctx, batch)
			}
			if err != nil {
				for _, m := range batch {
					_ = m.Nak() // without it the broker redelivers after its AckWait
				}
				return processed, err
			}
			processed = true
		}
		if !open {
			return processed, nil
		}
	}
}

// collect waits for a message and returns it with those that are ready. open is false when no more will arrive.
func collect(ctx context.Context, msgs <-chan jetstream.Msg) (batch []jetstream.Msg, open bool) {
	select {
	case <-ctx.Done():
	case m, ok := <-msgs:
		if !ok {
			return nil, false
		}
		batch = append(batch, m)
	}
	for {
		select {
		case m, ok := <-msgs:
			if !ok {
				return batch, false
			}
			batch = append(batch, m)
		default:
			return batch, ctx.Err() == nil
		}
	}
}

// codes looks codes up in the current code lists.
func (f *Feed) codes() fact.Codes {
	set := f.c.Codes()
	return func(list, code string) (string, bool) {
		t, ok := set.Lookup(list, code)
		return t.GetGroup(), ok
	}
}

// logBackoff logs the 1st, 2nd, 4th, 8th … failure in a row.
func (f *Feed) logBackoff(ctx context.Context, failures int, message string, err error) {
	if n := failures + 1; n&(n-1) == 0 {
		f.c.Log.WarnContext(ctx, message, slog.Int("failures", n), slog.Any("error", err))
	}
}

// backoff grows from 50 ms to 2 s, plus or minus up to a quarter.
func backoff(failures int) time.Duration {
	d := min(50*time.Millisecond<<min(failures, 10), 2*time.Second)
	return d - d/4 + rand.N(d/2+1) //nolint:gosec // spreads load, protects nothing
}

// sleep returns after d or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
