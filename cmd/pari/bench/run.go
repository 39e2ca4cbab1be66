package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/cmd/pari/network"
	"github.com/retepari/pari/pkg/pg/pglocal"
)

// world is what the measurements run on: a network with one node, and a database for floors on the same Postgres.
type world struct {
	net    *network.Network
	floors *pgxpool.Pool
	dir    string

	centre *centre
	sent   atomic.Int64 // events of intake that were acknowledged or committed, all of them made by us
	rounds int
	span   time.Duration // of one round of submissions
}

// floorPool is how many database connections floors may use: as many as pg.Connect gives a service.
const floorPool = 16

// measurement measures one thing or several that belong together.
type measurement struct {
	name string
	run  func(ctx context.Context, w *world) (Result, error)
}

func measurements() []measurement {
	all := []measurement{}
	for _, clients := range []int{1, 10, 40} {
		all = append(all, measurement{fmt.Sprintf("intake.submit.c%d", clients), func(ctx context.Context, w *world) (Result, error) {
			return submit(ctx, w, clients)
		}})
	}
	return append(all, measurement{"feed.end_to_end", endToEnd}, measurement{"feed.throughput", throughput})
}

// Names are what can be measured.
func Names() []string {
	var names []string
	for _, m := range measurements() {
		names = append(names, m.name)
	}
	return names
}

// Run measures what is named, or everything, on a network that it starts and stops.
func Run(ctx context.Context, names []string, progress func(string)) (results []Result, err error) {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("%q cannot be measured; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	w, stop, err := open(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, m := range measurements() {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		progress("measuring " + m.name)
		r, err := m.run(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		r.Name = m.name
		if r.Ratio == 0 && r.Floor > 0 {
			r.Ratio = r.Ours / r.Floor
		}
		r.Conditions = fmt.Sprintf("%s; %d cores, GOMAXPROCS %d; network of one node, load and floor in one process, Postgres beside it on the same disk, durable; %s",
			r.Conditions, runtime.NumCPU(), runtime.GOMAXPROCS(0), time.Now().UTC().Format(time.DateOnly))
		progress(fmt.Sprintf("  %s %s, floor %s, ratio %.2f", figure(r.Ours), r.Unit, figure(r.Floor), r.Ratio))
		results = append(results, r)
	}
	return results, nil
}

// open starts a network and what floors need; stop ends it and removes it.
func open(ctx context.Context, progress func(string)) (w *world, stop func() error, err error) {
	w = &world{rounds: 5, span: 2 * time.Second}
	if w.dir, err = os.MkdirTemp("", "pari-bench-"); err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	stop = func() (err error) {
		if w.centre != nil {
			w.centre.close()
		}
		if w.floors != nil {
			w.floors.Close()
		}
		if w.net != nil {
			stopped, cancel := context.WithCancel(ctx)
			cancel()
			err = w.net.Wait(stopped)
		}
		return errors.Join(err, os.RemoveAll(w.dir))
	}
	if err := w.start(ctx, progress); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return w, stop, nil
}

func (w *world) start(ctx context.Context, progress func(string)) (err error) {
	o := network.Options{Dir: filepath.Join(w.dir, "network"), Nodes: network.All()[:1], Version: "bench", Progress: progress}
	if w.net, err = network.Start(ctx, o); err != nil {
		return err
	}
	if err = w.net.Postgres.Provision(ctx, "bench_floor"); err != nil {
		return err
	}
	c, err := pgxpool.ParseConfig(w.net.Postgres.URL(pglocal.Owner, "bench_floor"))
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	c.MaxConns = floorPool
	if w.floors, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	w.centre, err = newCentre(ctx, w)
	return err
}

// settle waits until every event that we have made has taken effect.
func (w *world) settle(ctx context.Context) error {
	return until(ctx, w.sent.Load(), w.centre.applied)
}
