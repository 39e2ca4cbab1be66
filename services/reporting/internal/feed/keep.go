package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// keep does at each tick what does not wait for an event.
func (f *Feed) keep(ctx context.Context) {
	tick := time.NewTicker(f.c.Tick)
	defer tick.Stop()
	redriven, failures := "", 0
	for {
		err := f.tick(ctx)
		if err == nil {
			redriven, err = f.redrive(ctx, redriven)
		}
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() == nil:
			f.complain(ctx, failures, "lines are not answered", err)
			failures++
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tick keeps nodes and heartbeats, and answers every line.
func (f *Feed) tick(ctx context.Context) error {
	nodes, err := Nodes(f.c.KeysDir)
	if err != nil {
		return err
	}
	if err := errors.Join(f.c.Store.AddNodes(ctx, nodes), f.keepBeats(ctx)); err != nil {
		return err
	}
	regions, err := f.regions(ctx)
	if err != nil {
		return err
	}
	seen := map[bus.Partition]store.Line{}
	for _, region := range regions {
		lines, err := f.c.Store.Lines(ctx, region)
		if err != nil {
			return err
		}
		for node, of := range lines {
			for _, l := range of {
				line := bus.Partition{Region: region, Node: node, Source: l.Source}
				seen[line] = l
				f.answer(ctx, store.Position{Line: line, Applied: l.Applied, Waiting: l.Waiting})
			}
		}
	}
	f.meter.show(seen)
	return nil
}

func (f *Feed) regions(ctx context.Context) ([]string, error) {
	nodes, err := f.c.Store.Nodes(ctx) // by region
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

// answer tells the node how far its line has come, and asks for what is missing. A watermark that is lost is said again at
// the next tick.
func (f *Feed) answer(ctx context.Context, p store.Position) {
	w, err := f.watermark(ctx, p)
	if err == nil {
		m, signErr := bus.SignMessage(p.Line.WatermarkSubject(), w, f.c.Signer)
		if err = signErr; err == nil {
			err = f.c.Conn.PublishMsg(m)
		}
	}
	if err != nil && ctx.Err() == nil {
		f.c.Log.DebugContext(ctx, "watermark not sent", slog.String("line", p.Line.String()), slog.Any("error", err))
	}
}

func (f *Feed) watermark(ctx context.Context, p store.Position) (*feedv1.Watermark, error) {
	w := &feedv1.Watermark{Source: p.Line.Source, AcknowledgedSeq: p.Applied}
	if p.Waiting == 0 {
		return w, nil
	}
	missing, err := f.c.Store.Missing(ctx, p.Line)
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 || missing[0].First > p.Applied+1 {
		// The gap is closed: whoever closed it stopped before the rest followed.
		p.More = true
		if p, err = f.follow(ctx, p); err != nil {
			return nil, err
		}
		w.AcknowledgedSeq = p.Applied
		if missing, err = f.c.Store.Missing(ctx, p.Line); err != nil {
			return nil, err
		}
	}
	for _, r := range missing {
		w.Missing = append(w.Missing, &feedv1.SequenceRange{First: r.First, Last: r.Last})
	}
	return w, nil
}

// redrive tries parked cases again, at the start and whenever the code lists are others than those with the digest done. It
// returns the digest that is done now.
func (f *Feed) redrive(ctx context.Context, done string) (string, error) {
	digest := f.c.Codes().Digest()
	if digest == done {
		return done, nil
	}
	regions, err := f.regions(ctx)
	if err != nil {
		return done, err
	}
	for _, region := range regions {
		healed, err := f.c.Store.Redrive(ctx, region, Read, f.codes())
		if err != nil {
			return done, err
		}
		if healed > 0 {
			f.meter.heal(ctx, healed)
			f.c.Log.InfoContext(ctx, "parked events took effect", slog.String("region", region), slog.Int("events", healed))
		}
	}
	return digest, nil
}
