package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/cmd/pari/network"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/pg/pglocal"
)

// world is what the measurements run on: a network with one node, and a database for floors on the same Postgres.
type world struct {
	net    *network.Network
	floors *pgxpool.Pool
	dir    string
}

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
	w := &world{}
	if w.dir, err = os.MkdirTemp("", "pari-bench-"); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { _ = os.RemoveAll(w.dir) }()
	if w.net, err = network.Start(ctx, network.Options{Dir: w.dir + "/network", Nodes: network.All()[:1], Version: "bench", Progress: progress}); err != nil {
		return nil, err
	}
	defer func() {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		err = errors.Join(err, w.net.Wait(stopped))
	}()
	if err := w.net.Postgres.Provision(ctx, "bench_floor"); err != nil {
		return nil, err
	}
	if w.floors, err = pg.Connect(ctx, w.net.Postgres.URL(pglocal.Owner, "bench_floor")+"&pool_max_conns=16"); err != nil {
		return nil, err
	}
	defer w.floors.Close()
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
		r.Conditions = fmt.Sprintf("%s; %d cores; whole network, load and floor in one process; Postgres with fsync; %s", r.Conditions, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
		progress(fmt.Sprintf("  %.0f %s, floor %.0f, ratio %.2f", r.Ours, r.Unit, r.Floor, r.Ratio))
		results = append(results, r)
	}
	return results, nil
}
