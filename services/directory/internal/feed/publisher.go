// Package feed tells reporting what the entries of the directory count: events out, one line per region.
//
//	what is shown, and the day ─► activity.Of ─► store.Publish: what differs from the last word ─► outbox ─► relay ─► hub
//
// It promises that what was published last agrees, a moment after each change and an hour after each midnight at the latest,
// with what the entries count on that day; and that an entry which counts nothing any more is taken back. Several copies of
// the service may run: they publish under one lock, and one relay of each line leads.
//
// The centre stands in every region as a node of that name. A region gets its line when an entry first names it.
package feed

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/store"
)

// Source is the service in the name of the lines.
const Source = "directory"

// Config of a feed. Durations that are zero take the value in brackets.
type Config struct {
	DB         *pgxpool.Pool
	Conn       *nats.Conn      // to the hub
	Signer     *bus.Signer     // key of the centre
	CentreKeys *bus.PublicKeys // its public side, for watermarks
	Log        *slog.Logger
	Now        func() time.Time

	Interval      time.Duration // how often to look although nothing has changed: the day may have [1 h]
	RetryInterval time.Duration // how long to wait when the database does not answer [2 s]
}

// Publisher publishes what the entries that it was shown count.
type Publisher struct {
	c       Config
	current atomic.Pointer[store.Snapshot]
	shown   chan struct{}
	relays  map[string]*outbox.Relay // by region
}

// New returns a feed that has nothing to say yet.
func New(c Config) *Publisher {
	if c.Interval <= 0 {
		c.Interval = time.Hour
	}
	if c.RetryInterval <= 0 {
		c.RetryInterval = 2 * time.Second
	}
	return &Publisher{c: c, shown: make(chan struct{}, 1), relays: map[string]*outbox.Relay{}}
}

// SetSnapshot tells the feed what is current. It never blocks.
func (f *Publisher) SetSnapshot(contents store.Snapshot) {
	f.current.Store(&contents)
	select {
	case f.shown <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends; it returns nil then, or an error when a relay could not start.
func (f *Publisher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.publish(ctx, g) })
	return g.Wait()
}

func (f *Publisher) publish(ctx context.Context, relays *errgroup.Group) error {
	wait := time.NewTimer(f.c.Interval)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.shown:
		case <-wait.C:
		}
		wait.Reset(f.c.Interval)
		if err := f.reconcile(ctx, relays); err != nil && ctx.Err() == nil {
			f.c.Log.WarnContext(ctx, "what the directory counts is not published", slog.Any("error", err))
			wait.Reset(f.c.RetryInterval)
		}
	}
}

// reconcile publishes what differs from the last word, region by region, each for itself.
func (f *Publisher) reconcile(ctx context.Context, relays *errgroup.Group) error {
	current := f.current.Load()
	if current == nil {
		return nil
	}
	first, err := store.ListFirstSeen(ctx, f.c.DB)
	if err != nil {
		return err
	}
	known, err := store.ListPublishedRegions(ctx, f.c.DB)
	if err != nil {
		return err
	}
	regions := map[string][]activity.Contribution{}
	for _, region := range known {
		regions[region] = nil
	}
	for _, c := range activity.ListContributions(current.Entries, f.c.Now().In(tz.Rome).Format(time.DateOnly), first) {
		regions[c.Region] = append(regions[c.Region], c)
	}
	var failed []error
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		n, err := store.Publish(ctx, f.c.DB, current.Revision, region, regions[region])
		if errors.Is(err, outbox.ErrEvent) { // it will not be better in a moment
			f.c.Log.ErrorContext(ctx, "what an entry counts cannot be sent", slog.String("region", region), slog.Any("error", err))
			err = nil
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		relay, err := f.relay(ctx, region, relays)
		if err != nil { // a name that no line can have
			f.c.Log.ErrorContext(ctx, "a region has no line", slog.String("region", region), slog.Any("error", err))
			continue
		}
		if n > 0 {
			f.c.Log.InfoContext(ctx, "what the directory counts has changed", slog.String("region", region), slog.Int("entries", n))
			relay.Wake()
		}
	}
	return errors.Join(failed...)
}

// relay returns the relay of a region, and starts it the first time.
func (f *Publisher) relay(ctx context.Context, region string, relays *errgroup.Group) (*outbox.Relay, error) {
	if r := f.relays[region]; r != nil {
		return r, nil
	}
	r, err := outbox.NewRelay(outbox.Config{
		Partition: bus.Partition{Region: region, Node: identity.Centre, Source: Source}, Tenant: region,
		DB: f.c.DB, Conn: f.c.Conn, Signer: f.c.Signer, CentreKeys: f.c.CentreKeys, Log: f.c.Log,
	})
	if err != nil {
		return nil, err
	}
	f.relays[region] = r
	relays.Go(func() error { return r.Run(ctx) })
	return r, nil
}
