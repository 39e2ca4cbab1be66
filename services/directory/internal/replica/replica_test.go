package replica_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/replica"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// env is a centre with a database, connected to the nodes of Cremona and Cuneo.
type env struct {
	t      *testing.T
	net    *bustest.Network
	db     pgtest.DB
	centre *replica.Centre
	stop   func()
}

// newEnv returns an env whose centre does not run.
func newEnv(t *testing.T) *env {
	t.Helper()
	net := bustest.New(t, bustest.Cremona, bustest.Cuneo)
	return &env{t: t, net: net, db: pgtest.New(t, "directory", store.Migrate)}
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
func (e *env) startNode(node bustest.Node, pool *pgxpool.Pool) *nodeCopy {
	e.t.Helper()
	c := &nodeCopy{pool: pool}
	c.Node = replica.NewNode(replica.NodeConfig{
		Region: node.Region, Node: node.Name, DB: pool, Conn: e.net.Connect(node, "directory"),
		CentreKeys: e.net.Keys(), Log: discard, Now: time.Now,
		Interval: 200 * time.Millisecond, RequestTimeout: 2 * time.Second,
	})
	c.stop = background(e.t, c.Run)
	return c
}

// waitForCopy waits until a copy has the checkpoint of the centre, and returns it.
func (e *env) waitForCopy(c *nodeCopy, node bustest.Node) store.Checkpoint {
	e.t.Helper()
	want, err := store.GetCheckpoint(e.t.Context(), e.db.Pool(e.t), node.Name)
	if err != nil {
		e.t.Fatal(err)
	}
	bustest.Eventually(e.t, func() bool {
		got, err := store.GetCheckpoint(e.t.Context(), c.pool, node.Name)
		return err == nil && got == want
	})
	return want
}

// Ensure a new node gets everything, in several parts, and that all nodes get the changes.
func TestNode_Run_FollowsTheCentre(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(manyOffices(300)...)
	cremona, cuneo := e.startNode(bustest.Cremona, newNodePool(t)), e.startNode(bustest.Cuneo, newNodePool(t))
	e.waitForCopy(cremona, bustest.Cremona)
	e.waitForCopy(cuneo, bustest.Cuneo)
	bustest.Eventually(t, func() bool { return !cremona.ConfirmedAt().IsZero() })
	offices := manyOffices(300)
	for i := range 5 {
		offices[i].Name = "Altro sportello"
		e.load(append(offices, office(fmt.Sprintf("new-%d", i), "Nuovo"))...)
		offices = append(offices, office(fmt.Sprintf("new-%d", i), "Nuovo"))
		if at := e.waitForCopy(cremona, bustest.Cremona); at.Revision != int64(i+2) {
			t.Fatalf("at revision %d, want %d", at.Revision, i+2)
		}
		e.waitForCopy(cuneo, bustest.Cuneo)
	}
}

// Ensure a copy stays and its age grows while the link is down, and that the node catches up when the link is back.
func TestNode_Run_WithoutLink(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"))
	c := e.startNode(bustest.Cremona, newNodePool(t))
	before := e.waitForCopy(c, bustest.Cremona)
	bustest.Eventually(t, func() bool { return !c.ConfirmedAt().IsZero() })
	e.net.Leaf(bustest.Cremona).Link.Cut()
	e.load(office("a", "B"))
	cut := time.Now()
	bustest.Eventually(t, func() bool { return time.Since(cut) > time.Second })
	if age := time.Since(c.ConfirmedAt()); age < time.Second/2 {
		t.Errorf("without a link for a second, the copy is %v old", age)
	}
	if got, err := store.GetCheckpoint(t.Context(), c.pool, "cremona"); err != nil || got != before {
		t.Errorf("the copy has %+v, %v, want %+v", got, err, before)
	}
	// A node that starts without a link knows the age of its copy.
	c.stop()
	restarted := e.startNode(bustest.Cremona, c.pool)
	want := c.ConfirmedAt().Truncate(time.Microsecond)
	bustest.Eventually(t, func() bool { return restarted.ConfirmedAt().Equal(want) })
	e.net.Leaf(bustest.Cremona).Link.Heal()
	e.waitForCopy(restarted, bustest.Cremona)
	bustest.Eventually(t, func() bool { return restarted.ConfirmedAt().After(cut) })
}

// Ensure a transfer completes although the link breaks several times, and does not start again.
func TestNode_Run_ResumesATransfer(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(manyOffices(800)...)
	link := e.net.Leaf(bustest.Cremona).Link
	var offsets []int64
	observer := e.net.Centre("directory")
	if _, err := observer.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		var req directoryv1.CopyQuestion
		_ = proto.Unmarshal(m.Data, &req)
		if offsets = append(offsets, req.GetOffset()); len(offsets)%3 == 0 && len(offsets) < 12 {
			link.Cut()
			link.Heal()
		}
	}); err != nil {
		t.Fatal(err)
	}
	c := e.startNode(bustest.Cremona, newNodePool(t))
	e.waitForCopy(c, bustest.Cremona)
	c.stop()
	observer.Close()
	// After the first part, only the requests at the end, for the confirmation, have offset 0.
	first := slices.IndexFunc(offsets, func(o int64) bool { return o > 0 })
	for len(offsets) > 0 && offsets[len(offsets)-1] == 0 {
		offsets = offsets[:len(offsets)-1]
	}
	if first < 0 || len(offsets) < 12 || !slices.IsSorted(offsets) {
		t.Errorf("requests with the offsets %v: the transfer started again", offsets)
	}
}

// Ensure a change of a hidden office is not announced: an announcement without a public change would reveal it.
func TestCentre_Run_AnnouncesPublicChangesOnly(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	announcements, err := e.net.Connect(bustest.Cuneo, "directory").SubscribeSync(bus.DirectoryUpdates)
	if err != nil {
		t.Fatal(err)
	}
	e.centre = e.newCentre(time.Hour)
	public, refuge := office("a", "A"), office("riservato-0123456789abcdef", "Rifugio")
	refuge.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	e.load(public)
	pool := e.db.Pool(t)
	stop := background(t, e.centre.Run)
	first, err := announcements.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	e.load(public, refuge)
	for range 20 { // enough time and occasions to announce it
		e.centre.Notify()
		if _, err := store.GetCheckpoint(t.Context(), pool, ""); err != nil {
			t.Fatal(err)
		}
	}
	public.Name = "B"
	e.load(public, refuge)
	second, err := announcements.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if third, err := announcements.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("three announcements for two public states, the last one: %x", third.Data)
	}
	var before, after directoryv1.CopyAnnouncement
	if err := errors.Join(proto.Unmarshal(first.Data, &before), proto.Unmarshal(second.Data, &after)); err != nil {
		t.Fatal(err)
	}
	if before.GetRevision() != 1 || after.GetRevision() != 3 || before.GetDigest() == after.GetDigest() {
		t.Errorf("announced %v, then %v", &before, &after)
	}
}

// Ensure the node detects and repairs a copy that was changed by hand or has another history.
func TestNode_Run_RepairsACopy(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"), office("b", "B"))
	c := e.startNode(bustest.Cremona, newNodePool(t))
	e.waitForCopy(c, bustest.Cremona)
	for name, damage := range map[string]string{
		"a lost entry": `delete from entry where id = 'a'`,
		"a foreign list": `
			insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at, revision)
			values ('x', 1, '', '', '', '[]', true, now(), 1)`,
		"the future": `insert into entry (kind, id, revision, content, from_files, current, stored_at)
			select kind, 'later', 99, content, false, true, now() from entry limit 1`,
	} {
		if _, err := c.pool.Exec(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		e.waitForCopy(c, bustest.Cremona)
	}
}

// Ensure the node accepts only answers that the centre signed for this node and this request.
func TestNode_Run_RefusesForgedAnswers(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"))
	e.stop() // from here on only the forger answers
	forger, real := e.net.Signer("piemonte.cuneo"), e.net.Signer(bus.CentreOwner)
	nc := e.net.Centre("directory")
	answered := make(chan struct{}, 100)
	requests := 0
	if _, err := nc.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		var req directoryv1.CopyQuestion
		_ = proto.Unmarshal(m.Data, &req)
		signer, subject, nonce := forger, m.Subject, req.GetNonce()
		switch requests++; requests % 3 {
		case 1:
			signer, nonce = real, "an old one"
		case 2:
			signer, subject = real, bus.DirectoryRequest("piemonte", "cuneo")
		}
		answer := &directoryv1.CopyAnswer{
			Nonce: nonce, Revision: req.GetKnownRevision(), Digest: req.GetKnownDigest(),
		}
		signed, err := bus.SignMessage(subject, answer, signer)
		if err != nil {
			t.Error(err)
		}
		signed.Subject = m.Reply
		_ = nc.PublishMsg(signed)
		answered <- struct{}{}
	}); err != nil {
		t.Fatal(err)
	}
	c := e.startNode(bustest.Cremona, newNodePool(t))
	for range 7 {
		select {
		case <-answered:
		case <-time.After(20 * time.Second):
			t.Fatal("the node sends no request")
		}
	}
	if !c.ConfirmedAt().IsZero() {
		t.Error("a forged answer made the copy look current")
	}
}
