package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/tenant"
)

// scenario is the network that a measurement needs.
type scenario int

const (
	idleRelay   scenario = iota // one node whose relays do not run
	activeRelay                 // one node whose relays publish
	threeNodes                  // three nodes, and a directory of 4,000 offices
	twoHosted                   // two nodes that share their processes, with a limit on calls
)

const (
	// baselineDatabase holds the tables of the baselines, on the Postgres of the network.
	baselineDatabase = "bench_baseline"
	// baselinePoolSize is how many database connections a baseline may use: as many as pg.Connect gives a service.
	baselinePoolSize = 16
	// threeNodesMemory is the memory limit for three nodes and the centre, which have a machine each in production.
	threeNodesMemory = 4 << 30
)

// cremona is the tenant that is measured.
var cremona = tenant.ID{Region: "lombardia", Node: "cremona"}

// env is what the measurements run on: a network, and a database for baselines on the same Postgres.
type env struct {
	net        *network.Network
	baselineDB *pgxpool.Pool
	dir        string

	scenario  scenario
	centre    *centreClient
	directory *directoryFixture
	// submitted counts the events that our intake has stored. They all come from this program.
	submitted atomic.Int64
	size
}

// size says how much a measurement does.
type size struct {
	rounds       int           // of calls
	duration     time.Duration // of one round of calls
	feedRounds   int           // of events or changes at a steady rate
	steadyEvents int           // of one such round
	backlog      int           // events of one round that drains a backlog
}

var fullSize = size{rounds: 5, duration: 2 * time.Second, feedRounds: 3, steadyEvents: 2000, backlog: 5000}

// newEnv starts a network and the database for baselines. The caller must close it.
func newEnv(ctx context.Context, s scenario, progress func(string)) (*env, error) {
	e := &env{scenario: s, size: fullSize}
	if err := e.start(ctx, progress); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	return e, nil
}

func (e *env) start(ctx context.Context, progress func(string)) (err error) {
	if e.dir, err = os.MkdirTemp("", "pari-bench-"); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	nodes, memory := network.DefaultNodes()[:1], int64(0)
	limit := 1_000_000 // one caller makes all the load, and must not reach its limit
	switch e.scenario {
	case threeNodes:
		nodes, memory = network.DefaultNodes(), threeNodesMemory
	case twoHosted:
		nodes, limit = hostedNodes(), hostedLimit
	case idleRelay, activeRelay:
	}
	o := network.Options{
		Dir: filepath.Join(e.dir, "network"), Nodes: nodes, MemoryLimit: memory, Version: "bench", Progress: progress,
		Settings: map[string]string{
			"PARI_CALLS_PER_SECOND": strconv.Itoa(limit),
			"PARI_RELAY":            strconv.FormatBool(e.scenario != idleRelay),
		},
	}
	if e.net, err = network.Start(ctx, o); err != nil {
		return err
	}
	if err = e.net.Postgres.Provision(ctx, baselineDatabase); err != nil {
		return err
	}
	c, err := pgxpool.ParseConfig(e.net.Postgres.URL(pglocal.Owner, baselineDatabase))
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	c.MaxConns = baselinePoolSize
	if e.baselineDB, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	e.centre, err = newCentreClient(ctx, e.net)
	return err
}

// close stops the network and removes its files.
func (e *env) close(ctx context.Context) (err error) {
	if e.centre != nil {
		e.centre.close()
	}
	if e.directory != nil {
		e.directory.close()
	}
	if e.baselineDB != nil {
		e.baselineDB.Close()
	}
	if e.net != nil {
		err = e.net.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(e.dir))
}

// waitApplied waits until the centre has applied every event that this program has caused. Without a relay there is
// nothing to wait for.
func (e *env) waitApplied(ctx context.Context) error {
	if e.scenario == idleRelay {
		return nil
	}
	return waitForCount(ctx, e.submitted.Load(), e.centre.applied)
}
