package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// maintain does the periodic work of the feed until ctx ends.
func (f *Feed) maintain(ctx context.Context) {
	tick := time.NewTicker(f.c.Tick)
	defer tick.Stop()
	digest, failures := "", 0
	for {
		err := errors.Join(f.onTick(ctx), f.comparePosition(ctx, false))
		if err == nil {
			digest, err = f.reprocess(ctx, digest)
		}
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() == nil:
			f.logBackoff(ctx, failures, "feed maintenance failed", err)
			failures++
		}
		if !f.answerUntil(ctx, tick.C) {
			return
		}
	}
}

// answerUntil answers the heartbeats that await a watermark until the tick. It returns false when ctx ended before.
func (f *Feed) answerUntil(ctx context.Context, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-f.heartbeats.awaited():
			// After an error the tick sends the watermark, and the relay asks again.
			if err := f.answerHeartbeats(ctx); err != nil && ctx.Err() == nil {
				f.c.Log.WarnContext(ctx, "heartbeat answer failed", slog.Any("error", err))
			}
		}
	}
}

// answerHeartbeats sends a watermark to every relay that awaits one. The heartbeats are stored first: the announced
// number is part of the answer.
func (f *Feed) answerHeartbeats(ctx context.Context) error {
	awaiting := f.heartbeats.takeAwaiting()
	if err := f.storeHeartbeats(ctx); err != nil {
		return err
	}
	for _, p := range awaiting {
		o, err := f.c.Store.GetOffset(ctx, p)
		if err != nil {
			return err
		}
		f.sendWatermark(ctx, o)
	}
	return nil
}

// onTick stores nodes and heartbeats, and sends a watermark for every partition.
func (f *Feed) onTick(ctx context.Context) error {
	nodes, err := ListNodes(f.c.KeysDir)
	if err != nil {
		return err
	}
	if err := errors.Join(f.c.Store.AddNodes(ctx, nodes), f.storeHeartbeats(ctx)); err != nil {
		return err
	}
	regions, err := f.listRegions(ctx)
	if err != nil {
		return err
	}
	seen := map[bus.Partition]store.PartitionStatus{}
	for _, region := range regions {
		byNode, err := f.c.Store.ListPartitions(ctx, region)
		if err != nil {
			return err
		}
		for node, partitions := range byNode {
			for _, status := range partitions {
				p := bus.Partition{Tenant: tenant.ID{Region: region, Node: node}, Source: status.Source}
				seen[p] = status
				f.sendWatermark(ctx, store.Offset{
					Partition: p, Acknowledged: status.Acknowledged, Hash: status.Hash, Announced: status.LastSeq,
					Buffered: status.Buffered,
				})
			}
		}
	}
	f.metrics.setPartitions(seen)
	return nil
}

func (f *Feed) listRegions(ctx context.Context) ([]string, error) {
	nodes, err := f.c.Store.ListNodes(ctx) // ordered by region
	if err != nil {
		return nil, err
	}
	var regions []string
	for _, n := range nodes {
		if len(regions) == 0 || regions[len(regions)-1] != n.Region {
			regions = append(regions, n.Region)
		}
	}
	return regions, nil
}

// sendWatermark sends the acknowledged offset of a partition to its node, and requests what is missing. A lost
// watermark is repeated at the next tick.
func (f *Feed) sendWatermark(ctx context.Context, o store.Offset) {
	w, err := f.newWatermark(ctx, o)
	if err == nil {
		m, signErr := bus.SignMessage(o.Partition.WatermarkSubject(), w, f.c.Signer)
		if err = signErr; err == nil {
			err = f.c.Conn.PublishMsg(m)
		}
	}
	if err != nil && ctx.Err() == nil {
		f.c.Log.DebugContext(ctx, "watermark publish failed", slog.String("partition", o.Partition.String()),
			slog.Any("error", err))
	}
}

func (f *Feed) newWatermark(ctx context.Context, o store.Offset) (*feedv1.Watermark, error) {
	w := &feedv1.Watermark{
		Source: o.Partition.Source, AcknowledgedSeq: o.Acknowledged, AcknowledgedHash: o.Hash[:],
		AnnouncedSeq: o.Announced,
	}
	if o.Buffered == 0 {
		return w, nil
	}
	missing, err := f.c.Store.ListMissing(ctx, o.Partition)
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 || missing[0].First > o.Acknowledged+1 {
		// The gap is closed: the replica that closed it stopped before it had drained the buffer.
		o.More = true
		if o, err = f.drain(ctx, o); err != nil {
			return nil, err
		}
		w.AcknowledgedSeq, w.AcknowledgedHash = o.Acknowledged, o.Hash[:]
		if missing, err = f.c.Store.ListMissing(ctx, o.Partition); err != nil {
			return nil, err
		}
	}
	for _, r := range missing {
		w.Missing = append(w.Missing, &feedv1.SequenceRange{First: r.First, Last: r.Last})
	}
	return w, nil
}

// reprocess applies dead-lettered and blocked events again, at the start and whenever the digest of the code lists has
// changed. It returns the digest for which that is done.
func (f *Feed) reprocess(ctx context.Context, done string) (string, error) {
	digest := f.c.Codes().Digest()
	if digest == done {
		return done, nil
	}
	regions, err := f.listRegions(ctx)
	if err != nil {
		return done, err
	}
	for _, region := range regions {
		r, err := f.c.Store.Reprocess(ctx, region, Decode, f.codes())
		if r.Applied > 0 {
			f.metrics.countRecovered(ctx, r.Applied)
			f.c.Log.InfoContext(ctx, "unapplied events recovered", slog.String("region", region),
				slog.Int("events", r.Applied))
		}
		if err != nil {
			return done, err
		}
		f.logFailures(ctx, "event reprocess failed", r.Failures...)
	}
	return digest, nil
}
