package feed

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	counted = "it.pari.report.counted.v1"
	opened  = "it.pari.case.opened.v1"
	closed  = "it.pari.case.closed.v1"
)

var (
	intake = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "intake"}
	cases  = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "casemanagement"}
	cuneo  = bus.Partition{Tenant: tenant.ID{Region: "piemonte", Node: "cuneo"}, Source: "intake"}

	march = &recordv1.Month{Year: 2026, Month: 3}
)

func list(name string, codes ...string) *vocabularyv1.Vocabulary {
	l := &vocabularyv1.Vocabulary{Name: name, Version: 1}
	for _, c := range codes {
		l.Terms = append(l.Terms, &vocabularyv1.Term{Code: c, LabelIt: c, Group: "O_ALL"})
	}
	return l
}

// vocabularyWith returns code lists with these channels, and the other codes that the tests use.
func vocabularyWith(channels ...string) *vocabulary.Set {
	return vocabulary.NewSet(list("channel", channels...), list("outcome", "CONCILIATED"),
		list("outcome_group", "O_ALL"))
}

type status = store.PartitionStatus

// testEnv is a network and the centre's database.
type testEnv struct {
	t     testing.TB
	net   *bustest.Network
	db    pgtest.DB
	pool  *pgxpool.Pool
	store *store.Store
	codes atomic.Pointer[vocabulary.Set]
}

func setup(t testing.TB) *testEnv {
	t.Helper()
	b := &testEnv{t: t, net: bustest.New(t, bustest.Cremona, bustest.Cuneo)}
	b.db = pgtest.New(t, "reporting", store.Migrate)
	b.pool = b.db.Pool(t)
	b.store = store.New(b.pool)
	b.codes.Store(vocabularyWith("DESK"))
	return b
}

func testLogger() *slog.Logger {
	if os.Getenv("PARI_TEST_LOG") != "" {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}

func (b *testEnv) config() Config {
	b.t.Helper()
	return Config{
		Store: b.store, Conn: b.net.Centre("reporting"), Codes: b.codes.Load, Log: testLogger(),
		KeysDir: b.net.KeysDir(), Signer: b.net.Signer(bus.CentreOwner),
		DrainLimit: 10, Tick: 50 * time.Millisecond, FetchWait: 500 * time.Millisecond,
	}
}

// start runs a feed until stop is called or the test ends.
func (b *testEnv) start(c Config) (stop func()) {
	b.t.Helper()
	f, err := New(c)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f.Run(ctx); err != nil {
			b.t.Errorf("feed: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	b.t.Cleanup(stop)
	return stop
}

// producer creates and sends the events of a partition.
type producer struct {
	b             *testEnv
	partition     bus.Partition
	conn          *nats.Conn
	seq           int64
	hash          bus.Hash
	aggregateSeqs map[string]int64
}

func (b *testEnv) producer(p bus.Partition) *producer {
	b.t.Helper()
	conn := b.net.Connect(p.Tenant, p.Source)
	return &producer{b: b, partition: p, conn: conn, aggregateSeqs: map[string]int64{}}
}

// event returns the next event of the partition.
func (w *producer) event(eventType, aggregate string, data []byte) bus.Event {
	w.b.t.Helper()
	w.seq++
	w.aggregateSeqs[aggregate]++
	e := bus.Event{
		ID: uuid.NewString(), Type: eventType, Partition: w.partition,
		Subject: aggregate, AggregateSeq: w.aggregateSeqs[aggregate], NodeSeq: w.seq, PrevHash: w.hash,
		Data: data, Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	e.Sign(w.b.net.Signer(w.partition.Owner()))
	w.hash = e.Hash()
	return e
}

func (w *producer) encode(eventType, aggregate string, m proto.Message) bus.Event {
	w.b.t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		w.b.t.Fatal(err)
	}
	return w.event(eventType, aggregate, data)
}

// report returns an event of a new report.
func (w *producer) report() bus.Event {
	w.b.t.Helper()
	return w.encode(counted, uuid.NewString(), &eventsv1.ReportCounted{Month: march, Channel: "DESK"})
}

func (w *producer) reports(n int) []bus.Event {
	w.b.t.Helper()
	var events []bus.Event
	for range n {
		events = append(events, w.report())
	}
	return events
}

func (w *producer) opened(aggregate, channel string) bus.Event {
	w.b.t.Helper()
	return w.encode(opened, aggregate, &eventsv1.CaseOpened{CasePseudonym: aggregate, Month: march, Channel: channel})
}

func (w *producer) closed(aggregate string) bus.Event {
	w.b.t.Helper()
	return w.closedFor(aggregate, aggregate)
}

// closedFor returns an event of one aggregate that closes the case with this pseudonym.
func (w *producer) closedFor(aggregate, pseudonym string) bus.Event {
	w.b.t.Helper()
	return w.encode(closed, aggregate, &eventsv1.CaseClosed{
		CasePseudonym: pseudonym, Month: march, Outcome: "CONCILIATED",
	})
}

// send stores events at the hub, in order. The message id is new each time, so an event may be sent again.
func (w *producer) send(events ...bus.Event) {
	w.b.t.Helper()
	for _, e := range events {
		m, err := e.Msg()
		if err != nil {
			w.b.t.Fatal(err)
		}
		m.Header.Set(nats.MsgIdHdr, uuid.NewString())
		w.sendMsg(m)
	}
}

func (w *producer) sendMsg(m *nats.Msg) {
	w.b.t.Helper()
	reply, err := w.conn.RequestMsg(m, 5*time.Second)
	if err != nil {
		w.b.t.Fatal(err)
	}
	if !strings.Contains(string(reply.Data), `"stream":"`+bus.StreamName+`"`) {
		w.b.t.Fatalf("hub did not store it: %s", reply.Data)
	}
}

func (b *testEnv) partition(p bus.Partition) status {
	b.t.Helper()
	partitions, err := b.store.ListPartitions(context.Background(), p.Tenant.Region)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, found := range partitions[p.Tenant.Node] {
		if found.Source == p.Source {
			return found
		}
	}
	return status{}
}

// waitFor waits until cond holds for a partition.
func (b *testEnv) waitFor(p bus.Partition, cond func(status) bool) status {
	b.t.Helper()
	var last status
	defer func() {
		if b.t.Failed() {
			b.t.Logf("partition is at %+v", last)
		}
	}()
	bustest.Eventually(b.t, func() bool { last = b.partition(p); return cond(last) })
	return last
}

func acknowledgedAt(n int64) func(status) bool {
	return func(s status) bool { return s.Acknowledged == n }
}

// checkCells fails the test unless the cells equal a recount.
func (b *testEnv) checkCells(region string) {
	b.t.Helper()
	diff, err := b.store.CheckCells(context.Background(), region)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(diff) != 0 {
		b.t.Errorf("cells differ from facts: %v", diff)
	}
}

// unapplied returns the classes of the unapplied events of a partition, by number.
func (b *testEnv) unapplied(p bus.Partition) map[int64]store.Class {
	b.t.Helper()
	found := map[int64]store.Class{}
	err := pgx.BeginFunc(context.Background(), b.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), `select set_config('app.region', $1, true)`, p.Tenant.Region)
		if err != nil {
			return err
		}
		rows, err := tx.Query(context.Background(),
			`select node_seq, class from unapplied_event where (node, source) = ($1, $2)`, p.Tenant.Node, p.Source)
		if err != nil {
			return err
		}
		var (
			seq   int64
			class store.Class
		)
		_, err = pgx.ForEachRow(rows, []any{&seq, &class}, func() error {
			found[seq] = class
			return nil
		})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// watermarks receives the watermarks of a partition.
func (b *testEnv) watermarks(p bus.Partition) <-chan *feedv1.Watermark {
	b.t.Helper()
	received := make(chan *feedv1.Watermark, 1000)
	keys := b.net.Keys()
	nc := b.net.Connect(p.Tenant, p.Source)
	_, err := nc.Subscribe(p.WatermarkSubject(), func(m *nats.Msg) {
		w := &feedv1.Watermark{}
		if err := bus.VerifyMessage(m, bus.CentreOwner, keys, w); err != nil {
			b.t.Errorf("watermark: %v", err)
			return
		}
		received <- w
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		b.t.Fatal(err)
	}
	return received
}

// waitForWatermark waits for a watermark for which cond holds.
func (b *testEnv) waitForWatermark(received <-chan *feedv1.Watermark, cond func(*feedv1.Watermark) bool) {
	b.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		select {
		case w := <-received:
			if cond(w) {
				return
			}
		case <-limit:
			b.t.Fatal("the watermark did not arrive")
		}
	}
}

// complete holds for a watermark that acknowledges n events and requests none.
func complete(n int64) func(*feedv1.Watermark) bool {
	return func(w *feedv1.Watermark) bool { return w.GetAcknowledgedSeq() == n && len(w.GetMissing()) == 0 }
}

// consumer returns the feed's consumer, once it exists.
func (b *testEnv) consumer() (jetstream.JetStream, jetstream.Consumer) {
	b.t.Helper()
	js, err := jetstream.New(b.net.Centre("reporting"))
	if err != nil {
		b.t.Fatal(err)
	}
	var c jetstream.Consumer
	bustest.Eventually(b.t, func() bool {
		c, err = js.Consumer(context.Background(), bus.StreamName, Durable)
		return err == nil
	})
	return js, c
}

// waitUntilDelivered waits until the feed has messages that it has not acknowledged.
func (b *testEnv) waitUntilDelivered() {
	b.t.Helper()
	_, c := b.consumer()
	bustest.Eventually(b.t, func() bool {
		i, err := c.Info(context.Background())
		return err == nil && i.NumAckPending > 0
	})
}

// shortenAckWait makes the hub redeliver soon what is not acknowledged.
func (b *testEnv) shortenAckWait() {
	b.t.Helper()
	js, c := b.consumer()
	config := c.CachedInfo().Config
	config.AckWait = 300 * time.Millisecond
	if _, err := js.UpdateConsumer(context.Background(), bus.StreamName, config); err != nil {
		b.t.Fatal(err)
	}
}

// waitUntilAcked waits until every message of the stream is acknowledged.
func (b *testEnv) waitUntilAcked() {
	b.t.Helper()
	_, c := b.consumer()
	bustest.Eventually(b.t, func() bool {
		i, err := c.Info(context.Background())
		return err == nil && i.NumPending == 0 && i.NumAckPending == 0
	})
}

// execAsOwner changes the schema under the service.
func (b *testEnv) execAsOwner(sql string) {
	b.t.Helper()
	conn, err := pgx.Connect(context.Background(), b.db.OwnerURL)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		b.t.Fatal(err)
	}
}
