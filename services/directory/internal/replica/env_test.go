package replica_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/replica"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// env is a centre with a database, connected to the nodes of Cremona and Cuneo.
type env struct {
	t       *testing.T
	net     *bustest.Network
	db      pgtest.DB
	centre  *replica.Centre
	stop    func()
	nodeLog *slog.Logger
}

// newEnv returns an env whose centre does not run.
func newEnv(t *testing.T) *env {
	t.Helper()
	return newEnvOf(t, bustest.Cremona, bustest.Cuneo)
}

// newEnvOf is newEnv with other nodes.
func newEnvOf(t *testing.T, nodes ...tenant.ID) *env {
	t.Helper()
	net := bustest.New(t, nodes...)
	return &env{t: t, net: net, db: pgtest.New(t, "directory", store.Migrate), nodeLog: discard}
}

func setup(t *testing.T) *env {
	t.Helper()
	e := newEnv(t)
	e.centre = e.newCentre(100 * time.Millisecond)
	e.stop = background(t, e.centre.Run)
	return e
}

// newCentre returns a centre that does not run.
func (e *env) newCentre(interval time.Duration) *replica.Centre {
	e.t.Helper()
	return replica.NewCentre(replica.CentreConfig{
		DB: e.db.Pool(e.t), Conn: e.net.Centre("directory"), Signer: e.net.Signer(bus.CentreOwner), Log: discard,
		Interval: interval,
	})
}

var discard = slog.New(slog.DiscardHandler)

// background calls run until the test ends or stop is called.
func background(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// load loads offices at the centre.
func (e *env) load(offices ...*directoryv1.Office) {
	e.t.Helper()
	var entries []*directoryv1.Entry
	for _, o := range offices {
		converted, err := entry.New(o)
		if err != nil {
			e.t.Fatal(err)
		}
		entries = append(entries, converted)
	}
	lists := []vocabulary.List{{
		Name: "colour", Version: 1, TitleIT: "Colore", TitleEN: "Colour",
		Terms: []vocabulary.Term{{Code: "RED", LabelIT: "rosso", LabelEN: "red"}},
	}}
	if _, err := store.Load(e.t.Context(), e.db.OwnerURL, lists, entries, time.Now()); err != nil {
		e.t.Fatal(err)
	}
	e.centre.Notify()
}

func office(id, name string) *directoryv1.Office {
	return &directoryv1.Office{
		OfficeId: id, Name: name, Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona", Source: "test",
		Territories: []string{"019"},
	}
}

// manyOffices returns offices whose document needs several parts, because their descriptions do not compress.
func manyOffices(n int) (all []*directoryv1.Office) {
	for i := range n {
		o := office(fmt.Sprintf("desk-%d", i), "Sportello")
		o.Description = noise(i, 2000)
		all = append(all, o)
	}
	return all
}

func noise(seed, n int) string {
	var b strings.Builder
	for x := uint64(seed + 1); b.Len() < n; {
		x = x*6364136223846793005 + 1442695040888963407
		fmt.Fprintf(&b, "%x", x)
	}
	return b.String()[:n]
}

// nodeCopy is a running node with its database.
type nodeCopy struct {
	*replica.Node

	pool *pgxpool.Pool
	stop func()
}

// newNodePool returns the empty database of a node.
func newNodePool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.New(t, "directory_copy", func(ctx context.Context, ownerURL string) error {
		if err := store.Migrate(ctx, ownerURL); err != nil {
			return err
		}
		return store.GrantCopy(ctx, ownerURL)
	})
	return db.Pool(t)
}

// startNode starts a node on a database until the test ends or stop is called.
func (e *env) startNode(node tenant.ID, pool *pgxpool.Pool) *nodeCopy {
	e.t.Helper()
	c := &nodeCopy{pool: pool}
	c.Node = replica.NewNode(replica.NodeConfig{
		Tenant: node, DB: pool, Conn: e.net.Connect(node, "directory"),
		CentreKeys: e.net.Keys(), Log: e.nodeLog, Now: time.Now,
		Interval: 200 * time.Millisecond, RequestTimeout: 2 * time.Second,
	})
	c.stop = background(e.t, c.Run)
	return c
}

// waitForCopy waits until a copy has the checkpoint of the centre, and returns it.
func (e *env) waitForCopy(c *nodeCopy, node tenant.ID) store.Checkpoint {
	e.t.Helper()
	want, err := store.GetCheckpoint(e.t.Context(), e.db.Pool(e.t), node)
	if err != nil {
		e.t.Fatal(err)
	}
	bustest.Eventually(e.t, func() bool {
		got, err := store.GetCheckpoint(e.t.Context(), c.pool, node)
		return err == nil && got == want
	})
	return want
}
