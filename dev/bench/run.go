package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/pglocal"
)

// kind of world.
type kind int

const (
	resting kind = iota // one node whose relays send nothing
	feeding             // one node whose relays send
	wide                // three nodes, and a directory of 4,000 offices
)

// world is what the measurements run on: a network, and a database for floors on the same Postgres.
type world struct {
	net    *network.Network
	floors *pgxpool.Pool
	dir    string

	kind   kind
	centre *centre
	book   *book
	sent   atomic.Int64 // events of intake that were acknowledged or committed, all of them made by us
	rounds int
	span   time.Duration // of one round of submissions
}

// floorPool is how many database connections floors may use: as many as pg.Connect gives a service.
const floorPool = 16

// measurement measures one thing in a world of a kind.
type measurement struct {
	name string
	in   kind
	run  func(ctx context.Context, w *world) (Result, error)
}

func measurements() []measurement {
	with := func(clients int) func(context.Context, *world) (Result, error) {
		return func(ctx context.Context, w *world) (Result, error) { return submit(ctx, w, clients) }
	}
	return []measurement{
		{"intake.submit.c1", resting, with(1)}, {"intake.submit.c10", resting, with(10)}, {"intake.submit.c40", resting, with(40)},
		{"intake.submit.c40.feeding", feeding, with(40)}, {"feed.end_to_end", feeding, endToEnd}, {"feed.throughput", feeding, throughput},
		{"opening.evaluate", wide, evaluate}, {"directory.find", wide, find}, {"directory.replica.full", wide, wholeCopy},
		{"directory.replica.change", wide, oneChange},
	}
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
	for _, in := range []kind{resting, feeding, wide} {
		var chosen []measurement
		for _, m := range measurements() {
			if m.in == in && (len(names) == 0 || slices.Contains(names, m.name)) {
				chosen = append(chosen, m)
			}
		}
		if len(chosen) == 0 {
			continue
		}
		more, err := runIn(ctx, in, chosen, progress)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// runIn measures in a world of its own.
func runIn(ctx context.Context, in kind, chosen []measurement, progress func(string)) (results []Result, err error) {
	w, stop, err := open(ctx, in, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, m := range chosen {
		progress("measuring " + m.name)
		r, err := m.run(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		r.Name = m.name
		if r.Ratio == 0 && r.Floor > 0 {
			r.Ratio = r.Ours / r.Floor
		}
		r.Conditions = fmt.Sprintf("%s; %d cores, GOMAXPROCS %d; network of %d nodes, load and floor in one process, Postgres beside it on the same disk, durable; %s",
			r.Conditions, runtime.NumCPU(), runtime.GOMAXPROCS(0), len(w.net.Nodes), time.Now().UTC().Format(time.DateOnly))
		progress(fmt.Sprintf("  %s %s, floor %s, ratio %.2f", figure(r.Ours), r.Unit, figure(r.Floor), r.Ratio))
		results = append(results, r)
	}
	return results, nil
}

// open starts a network and what floors need; stop ends it and removes it.
func open(ctx context.Context, in kind, progress func(string)) (w *world, stop func() error, err error) {
	w = &world{kind: in, rounds: 5, span: 2 * time.Second}
	if w.dir, err = os.MkdirTemp("", "pari-bench-"); err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	stop = func() (err error) {
		if w.centre != nil {
			w.centre.close()
		}
		if w.book != nil {
			w.book.close()
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
	nodes, memory := network.DefaultNodes()[:1], int64(0)
	if w.kind == wide { // four directories of a size that has a machine of its own each
		nodes, memory = network.DefaultNodes(), 4<<30
	}
	o := network.Options{
		Dir: filepath.Join(w.dir, "network"), Nodes: nodes, MemoryLimit: memory, Version: "bench", Progress: progress,
		// One caller makes all the load: its limit would be what is measured.
		Settings: map[string]string{"PARI_CALLS_PER_SECOND": "1000000", "PARI_RELAY": strconv.FormatBool(w.kind != resting)},
	}
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

// settle waits until every event that we have made has taken effect, where somebody sends them.
func (w *world) settle(ctx context.Context) error {
	if w.kind == resting {
		return nil
	}
	return until(ctx, w.sent.Load(), w.centre.applied)
}
