// Package feed publishes the contributions of the directory's entries to reporting: one event for each entry whose
// contribution has changed, in one partition per region.
//
//	snapshot, date ─► activity.ListContributions ─► store.Publish: changed contributions ─► outbox ─► relay ─► hub
//
// It promises that the published contributions equal those of the entries, shortly after each change and at most an
// hour after each midnight, and that the contribution of an entry that no longer has one is withdrawn. Several servers
// may run: the database lets one publish at a time, and one relay of each partition leads.
//
// In every region the centre publishes as a node of its own. The partition of a region begins with the first entry that
// names the region.
//
// Run starts one goroutine for the publisher and one relay per region. They end with its context.
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
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/activity"
	"github.com/retepari/pari/services/directory/internal/store"
)

// Source is the service in the names of the partitions.
const Source = "directory"

// Config configures a Publisher. Zero durations take the default in brackets.
type Config struct {
	DB         *pgxpool.Pool
	Conn       *nats.Conn      // to the hub
	Signer     *bus.Signer     // key of the centre
	CentreKeys *bus.PublicKeys // its public side, for watermarks
	Log        *slog.Logger
	Now        func() time.Time

	Interval      time.Duration // between two reconciliations without a change; the date may have changed [1 h]
	RetryInterval time.Duration // after a failure of the database [2 s]
}

// Publisher publishes the contributions of the entries of a snapshot.
type Publisher struct {
	c       Config
	current atomic.Pointer[store.Snapshot]
	changed chan struct{}
	relays  map[string]*outbox.Relay // by region
}

// NewPublisher returns a Publisher without a snapshot. Run starts it.
func NewPublisher(c Config) *Publisher {
	if c.Interval <= 0 {
		c.Interval = time.Hour
	}
	if c.RetryInterval <= 0 {
		c.RetryInterval = 2 * time.Second
	}
	return &Publisher{c: c, changed: make(chan struct{}, 1), relays: map[string]*outbox.Relay{}}
}

// SetSnapshot replaces the snapshot and makes Run reconcile. It never blocks and is safe for concurrent use.
func (p *Publisher) SetSnapshot(snapshot store.Snapshot) {
	p.current.Store(&snapshot)
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends; then it returns nil. It returns an error if a relay cannot start.
func (p *Publisher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.reconcileLoop(ctx, g) })
	return g.Wait()
}

func (p *Publisher) reconcileLoop(ctx context.Context, relays *errgroup.Group) error {
	timer := time.NewTimer(p.c.Interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.changed:
		case <-timer.C:
		}
		timer.Reset(p.c.Interval)
		if err := p.reconcile(ctx, relays); err != nil && ctx.Err() == nil {
			p.c.Log.WarnContext(ctx, "contributions publish failed", slog.Any("error", err))
			timer.Reset(p.c.RetryInterval)
		}
	}
}

// reconcile publishes the changed contributions of all regions. A failure in one region does not stop the others.
func (p *Publisher) reconcile(ctx context.Context, relays *errgroup.Group) error {
	current := p.current.Load()
	if current == nil {
		return nil
	}
	firstSeen, err := store.ListFirstSeen(ctx, p.c.DB)
	if err != nil {
		return err
	}
	published, err := store.ListPublishedRegions(ctx, p.c.DB)
	if err != nil {
		return err
	}
	regions := map[string][]activity.Contribution{}
	for _, region := range published {
		regions[region] = nil // withdraws everything unless it still has contributions
	}
	today := p.c.Now().In(tz.Rome).Format(time.DateOnly)
	for _, c := range activity.ListContributions(current.Entries, today, firstSeen) {
		regions[c.Region] = append(regions[c.Region], c)
	}
	var errs []error
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		errs = append(errs, p.publish(ctx, current.Revision, region, regions[region], relays))
	}
	return errors.Join(errs...)
}

// publish publishes the changed contributions of a region. It logs errors that a retry would not solve.
func (p *Publisher) publish(
	ctx context.Context, revision int64, region string, contributions []activity.Contribution, relays *errgroup.Group,
) error {
	log := p.c.Log.With(slog.String("region", region))
	n, err := store.Publish(ctx, p.c.DB, revision, region, contributions)
	switch {
	case errors.Is(err, outbox.ErrEvent):
		log.ErrorContext(ctx, "contribution is not a valid event", slog.Any("error", err))
	case err != nil:
		return err
	}
	relay, err := p.relay(ctx, region, relays)
	if err != nil { // the region is not a valid name for a partition
		log.ErrorContext(ctx, "relay configuration invalid", slog.Any("error", err))
		return nil
	}
	if n > 0 {
		log.InfoContext(ctx, "contributions published", slog.Int("entries", n))
		relay.Wake()
	}
	return nil
}

// relay returns the relay of a region. The first call starts it.
func (p *Publisher) relay(ctx context.Context, region string, relays *errgroup.Group) (*outbox.Relay, error) {
	if r := p.relays[region]; r != nil {
		return r, nil
	}
	r, err := outbox.NewRelay(outbox.Config{
		Partition: bus.Partition{Tenant: tenant.ID{Region: region, Node: tenant.CentreNode}, Source: Source},
		DB:        p.c.DB, Conn: p.c.Conn, Signer: p.c.Signer, CentreKeys: p.c.CentreKeys, Log: p.c.Log,
	})
	if err != nil {
		return nil, err
	}
	p.relays[region] = r
	relays.Go(func() error { return r.Run(ctx) })
	return r, nil
}
