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

// bundle is a centre with its directory, and the cable to Cremona and Cuneo.
type bundle struct {
	t      *testing.T
	net    *bustest.Network
	db     pgtest.DB
	centre *replica.Centre
	stop   func()
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, net: bustest.New(t, bustest.Cremona, bustest.Cuneo), db: pgtest.New(t, "directory", store.Migrate)}
	b.startCentre()
	return b
}

func (b *bundle) startCentre() {
	b.t.Helper()
	b.centre = replica.NewCentre(replica.CentreConfig{
		DB: b.db.Pool(b.t), Conn: b.net.Centre("directory"), Signer: b.net.Signer(bus.CentreOwner), Log: quiet, Interval: 100 * time.Millisecond,
	})
	b.stop = background(b.t, b.centre.Run)
}

var quiet = slog.New(slog.DiscardHandler)

// background runs a part until the test ends or stop is called.
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

// load makes offices current at the centre.
func (b *bundle) load(offices ...*directoryv1.Office) {
	b.t.Helper()
	var entries []*directoryv1.Entry
	for _, o := range offices {
		e, err := entry.New(o)
		if err != nil {
			b.t.Fatal(err)
		}
		entries = append(entries, e)
	}
	red := vocabulary.List{Name: "colour", Version: 1, TitleIT: "Colore", TitleEN: "Colour", Terms: []vocabulary.Term{{Code: "RED", LabelIT: "rosso", LabelEN: "red"}}}
	if _, err := store.Load(b.t.Context(), b.db.OwnerURL, []vocabulary.List{red}, entries, time.Now()); err != nil {
		b.t.Fatal(err)
	}
	b.centre.Notify()
}

func office(id, name string) *directoryv1.Office {
	return &directoryv1.Office{OfficeId: id, Name: name, Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona", Source: "test", Territories: []string{"019"}}
}

// many are offices whose document needs several parts: what they say cannot be packed.
func many(n int) (all []*directoryv1.Office) {
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

// copyAt is a node that keeps a copy.
type copyAt struct {
	*replica.Node

	pool *pgxpool.Pool
	stop func()
}

func (b *bundle) copy(node bustest.Node) *copyAt {
	b.t.Helper()
	db := pgtest.New(b.t, "directory_copy", func(ctx context.Context, ownerURL string) error {
		if err := store.Migrate(ctx, ownerURL); err != nil {
			return err
		}
		return store.GrantCopy(ctx, ownerURL)
	})
	return b.copyInto(node, db.Pool(b.t), b.net.Keys())
}

func (b *bundle) copyInto(node bustest.Node, pool *pgxpool.Pool, keys *bus.PublicKeys) *copyAt {
	b.t.Helper()
	c := &copyAt{pool: pool}
	c.Node = replica.NewNode(replica.NodeConfig{
		Region: node.Region, Node: node.Name, DB: pool, Conn: b.net.Connect(node, "directory"), CentreKeys: keys, Log: quiet, Now: time.Now,
		Interval: 200 * time.Millisecond, RequestTimeout: 2 * time.Second,
	})
	c.stop = background(b.t, c.Run)
	return c
}

// same waits until a copy says what the centre says.
func (b *bundle) same(c *copyAt, node bustest.Node) store.Checkpoint {
	b.t.Helper()
	want, err := store.GetCheckpoint(b.t.Context(), b.db.Pool(b.t), node.Name)
	if err != nil {
		b.t.Fatal(err)
	}
	bustest.Eventually(b.t, func() bool {
		got, err := store.GetCheckpoint(b.t.Context(), c.pool, node.Name)
		return err == nil && got == want
	})
	return want
}

// Ensure that a new node gets everything, also what takes several parts, that changes follow, and that every node has them.
func TestCopies_follow_the_centre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(many(300)...)
	cremona, cuneo := b.copy(bustest.Cremona), b.copy(bustest.Cuneo)
	b.same(cremona, bustest.Cremona)
	b.same(cuneo, bustest.Cuneo)
	bustest.Eventually(t, func() bool { return !cremona.ConfirmedAt().IsZero() })
	offices := many(300)
	for i := range 5 {
		offices[i].Name = "Altro sportello"
		b.load(append(offices, office(fmt.Sprintf("new-%d", i), "Nuovo"))...)
		offices = append(offices, office(fmt.Sprintf("new-%d", i), "Nuovo"))
		if at := b.same(cremona, bustest.Cremona); at.Revision != int64(i+2) {
			t.Fatalf("at revision %d, want %d", at.Revision, i+2)
		}
		b.same(cuneo, bustest.Cuneo)
	}
}

// Ensure that a copy stays and grows old while the link is down, and is young again when it is back.
func TestCopy_while_the_link_is_down(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(office("a", "A"))
	c := b.copy(bustest.Cremona)
	before := b.same(c, bustest.Cremona)
	bustest.Eventually(t, func() bool { return !c.ConfirmedAt().IsZero() })
	b.net.Leaf(bustest.Cremona).Link.Cut()
	b.load(office("a", "B"))
	cut := time.Now()
	bustest.Eventually(t, func() bool { return time.Since(cut) > time.Second })
	if age := time.Since(c.ConfirmedAt()); age < time.Second/2 {
		t.Errorf("the copy says that it is %v old, without a link", age)
	}
	if at, err := store.GetCheckpoint(t.Context(), c.pool, "cremona"); err != nil || at != before {
		t.Errorf("the copy is at %+v, %v", at, err)
	}
	// A node that starts without a link knows how old its copy is.
	c.stop()
	again := b.copyInto(bustest.Cremona, c.pool, b.net.Keys())
	bustest.Eventually(t, func() bool { return again.ConfirmedAt().Equal(c.ConfirmedAt().Truncate(time.Microsecond)) })
	b.net.Leaf(bustest.Cremona).Link.Heal()
	b.same(again, bustest.Cremona)
	bustest.Eventually(t, func() bool { return again.ConfirmedAt().After(cut) })
}

// Ensure that a transfer that is cut again and again comes to its end, whole.
func TestCopy_is_resumed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(many(800)...)
	link := b.net.Leaf(bustest.Cremona).Link
	var offsets []int64
	ear := b.net.Centre("directory")
	if _, err := ear.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		var q directoryv1.CopyQuestion
		_ = proto.Unmarshal(m.Data, &q)
		if offsets = append(offsets, q.GetOffset()); len(offsets)%3 == 0 && len(offsets) < 12 {
			link.Cut()
			link.Heal()
		}
	}); err != nil {
		t.Fatal(err)
	}
	c := b.copy(bustest.Cremona)
	b.same(c, bustest.Cremona)
	c.stop()
	ear.Close()
	// What has come stays: once there is a part, only questions whether that is all begin at 0.
	first := slices.IndexFunc(offsets, func(o int64) bool { return o > 0 })
	for len(offsets) > 0 && offsets[len(offsets)-1] == 0 {
		offsets = offsets[:len(offsets)-1]
	}
	if first < 0 || len(offsets) < 12 || !slices.IsSorted(offsets) {
		t.Errorf("questions for %v: a transfer that was cut began anew", offsets)
	}
}

// Ensure that a change of what is hidden is announced to nobody: an announcement of nothing new would tell that it is there.
func TestCentre_announces_what_is_public(t *testing.T) {
	t.Parallel()
	b := &bundle{t: t, net: bustest.New(t, bustest.Cuneo), db: pgtest.New(t, "directory", store.Migrate)}
	heard, err := b.net.Connect(bustest.Cuneo, "directory").SubscribeSync(bus.DirectoryUpdates)
	if err != nil {
		t.Fatal(err)
	}
	b.centre = replica.NewCentre(replica.CentreConfig{
		DB: b.db.Pool(t), Conn: b.net.Centre("directory"), Signer: b.net.Signer(bus.CentreOwner), Log: quiet, Interval: time.Hour,
	})
	public, refuge := office("a", "A"), office("riservato-0123456789abcdef", "Rifugio")
	refuge.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	b.load(public)
	pool := b.db.Pool(t)
	stop := background(t, b.centre.Run)
	first, err := heard.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	b.load(public, refuge)
	for range 20 { // time and occasion enough to announce it
		b.centre.Notify()
		if _, err := store.GetCheckpoint(t.Context(), pool, ""); err != nil {
			t.Fatal(err)
		}
	}
	public.Name = "B"
	b.load(public, refuge)
	second, err := heard.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if third, err := heard.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("heard three announcements for two public states; the last: %x", third.Data)
	}
	var before, after directoryv1.CopyAnnouncement
	if err := errors.Join(proto.Unmarshal(first.Data, &before), proto.Unmarshal(second.Data, &after)); err != nil {
		t.Fatal(err)
	}
	if before.GetRevision() != 1 || after.GetRevision() != 3 || before.GetDigest() == after.GetDigest() {
		t.Errorf("heard %v, then %v", &before, &after)
	}
}

// Ensure that a copy that was changed by hand is seen and mended, and one of another history replaced.
func TestCopy_mends(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(office("a", "A"), office("b", "B"))
	c := b.copy(bustest.Cremona)
	b.same(c, bustest.Cremona)
	for what, damage := range map[string]string{
		"a lost entry":   `delete from entry where id = 'a'`,
		"a foreign list": `insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at, revision)
			values ('x', 1, '', '', '', '[]', true, now(), 1)`,
		"the future": `insert into entry (kind, id, revision, content, from_files, current, stored_at)
			select kind, 'later', 99, content, false, true, now() from entry limit 1`,
	} {
		if _, err := c.pool.Exec(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
		t.Log(what)
		b.same(c, bustest.Cremona)
	}
}

// Ensure that only what the centre signed, for this node and this question, reaches a copy.
func TestCopy_takes_nothing_from_others(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(office("a", "A"))
	db := pgtest.New(t, "directory_copy", func(ctx context.Context, ownerURL string) error {
		if err := store.Migrate(ctx, ownerURL); err != nil {
			return err
		}
		return store.GrantCopy(ctx, ownerURL)
	})
	pool := db.Pool(t)
	b.stop() // whoever answers now is not the centre
	forger, real := b.net.Signer("piemonte.cuneo"), b.net.Signer(bus.CentreOwner)
	nc := b.net.Centre("directory")
	asked := make(chan struct{}, 100)
	turn := 0
	if _, err := nc.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		var q directoryv1.CopyQuestion
		_ = proto.Unmarshal(m.Data, &q)
		signer, subject, nonce := forger, m.Subject, q.GetNonce()
		switch turn++; turn % 3 {
		case 1:
			signer, nonce = real, "an old one"
		case 2:
			signer, subject = real, bus.DirectoryRequest("piemonte", "cuneo")
		}
		answer, err := bus.SignMessage(subject, &directoryv1.CopyAnswer{Nonce: nonce, Revision: q.GetKnownRevision(), Digest: q.GetKnownDigest()}, signer)
		if err != nil {
			t.Error(err)
		}
		answer.Subject = m.Reply
		_ = nc.PublishMsg(answer)
		asked <- struct{}{}
	}); err != nil {
		t.Fatal(err)
	}
	c := b.copyInto(bustest.Cremona, pool, b.net.Keys())
	for range 7 {
		select {
		case <-asked:
		case <-time.After(20 * time.Second):
			t.Fatal("the node does not ask")
		}
	}
	if !c.ConfirmedAt().IsZero() {
		t.Error("a forged answer made the copy look current")
	}
}
