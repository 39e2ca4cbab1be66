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
	intake = bus.Partition{Region: "lombardia", Node: "cremona", Source: "intake"}
	cases  = bus.Partition{Region: "lombardia", Node: "cremona", Source: "casemanagement"}
	cuneo  = bus.Partition{Region: "piemonte", Node: "cuneo", Source: "intake"}

	march = &recordv1.Month{Year: 2026, Month: 3}
)

func list(name string, codes ...string) *vocabularyv1.Vocabulary {
	l := &vocabularyv1.Vocabulary{Name: name, Version: 1}
	for _, c := range codes {
		l.Terms = append(l.Terms, &vocabularyv1.Term{Code: c, LabelIt: c, Group: "O_ALL"})
	}
	return l
}

// vocabularyWith has the channels that are named, and what else the tests use.
func vocabularyWith(channels ...string) *vocabulary.Set {
	return vocabulary.NewSet(list("channel", channels...), list("outcome", "CONCILIATED"), list("outcome_group", "O_ALL"))
}

// bundle is a network with a centre's database.
type bundle struct {
	t     testing.TB
	net   *bustest.Network
	db    pgtest.DB
	pool  *pgxpool.Pool
	store *store.Store
	codes atomic.Pointer[vocabulary.Set]
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{t: t, net: bustest.New(t, bustest.Cremona, bustest.Cuneo), db: pgtest.New(t, "reporting", store.Migrate)}
	b.pool = b.db.Pool(t)
	b.store = store.New(b.pool)
	b.codes.Store(vocabularyWith("DESK"))
	return b
}

func quiet() *slog.Logger {
	if os.Getenv("PARI_TEST_LOG") != "" {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}

func (b *bundle) config() Config {
	b.t.Helper()
	return Config{
		Store: b.store, Conn: b.net.Centre("reporting"), KeysDir: b.net.KeysDir(), Signer: b.net.Signer(bus.CentreOwner), Codes: b.codes.Load,
		Log: quiet(), Follow: 10, Tick: 50 * time.Millisecond, Wait: 500 * time.Millisecond,
	}
}

// start feeds until stop is called or the test ends.
func (b *bundle) start(c Config) (stop func()) {
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

// wire writes and sends the events of a line.
type wire struct {
	b    *bundle
	line bus.Partition
	conn *nats.Conn
	seq  int64
	hash bus.Hash
	aggr map[string]int64
}

func (b *bundle) wire(line bus.Partition) *wire {
	b.t.Helper()
	return &wire{b: b, line: line, conn: b.net.Connect(bustest.Node{Region: line.Region, Name: line.Node}, line.Source), aggr: map[string]int64{}}
}

// event is the next of its line.
func (w *wire) event(kind, aggregate string, data []byte) bus.Event {
	w.b.t.Helper()
	w.seq++
	w.aggr[aggregate]++
	e := bus.Event{
		ID: uuid.NewString(), Type: kind, Partition: w.line, Subject: aggregate, AggregateSeq: w.aggr[aggregate], NodeSeq: w.seq, PrevHash: w.hash,
		Data: data, Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	e.Sign(w.b.net.Signer(w.line.Owner()))
	w.hash = e.Hash()
	return e
}

func (w *wire) of(kind, aggregate string, m proto.Message) bus.Event {
	w.b.t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		w.b.t.Fatal(err)
	}
	return w.event(kind, aggregate, data)
}

// report is a report of its own.
func (w *wire) report() bus.Event {
	w.b.t.Helper()
	return w.of(counted, uuid.NewString(), &eventsv1.ReportCounted{Month: march, Channel: "DESK"})
}

func (w *wire) reports(n int) []bus.Event {
	w.b.t.Helper()
	var events []bus.Event
	for range n {
		events = append(events, w.report())
	}
	return events
}

func (w *wire) opened(aggregate, channel string) bus.Event {
	w.b.t.Helper()
	return w.of(opened, aggregate, &eventsv1.CaseOpened{CasePseudonym: aggregate, Month: march, Channel: channel})
}

func (w *wire) closed(aggregate string) bus.Event {
	w.b.t.Helper()
	return w.of(closed, aggregate, &eventsv1.CaseClosed{CasePseudonym: aggregate, Month: march, Outcome: "CONCILIATED"})
}

// send stores events at the hub, each after the last. Events may be sent again.
func (w *wire) send(events ...bus.Event) {
	w.b.t.Helper()
	for _, e := range events {
		m, err := e.Msg()
		if err != nil {
			w.b.t.Fatal(err)
		}
		m.Header.Set(nats.MsgIdHdr, uuid.NewString())
		w.raw(m)
	}
}

func (w *wire) raw(m *nats.Msg) {
	w.b.t.Helper()
	reply, err := w.conn.RequestMsg(m, 5*time.Second)
	if err != nil {
		w.b.t.Fatal(err)
	}
	if !strings.Contains(string(reply.Data), `"stream":"`+bus.StreamName+`"`) {
		w.b.t.Fatalf("hub did not store it: %s", reply.Data)
	}
}

func (b *bundle) lineOf(l bus.Partition) store.Line {
	b.t.Helper()
	lines, err := b.store.Lines(context.Background(), l.Region)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, found := range lines[l.Node] {
		if found.Source == l.Source {
			return found
		}
	}
	return store.Line{}
}

// until waits for a line to stand as cond says.
func (b *bundle) until(l bus.Partition, cond func(store.Line) bool) store.Line {
	b.t.Helper()
	var last store.Line
	defer func() {
		if b.t.Failed() {
			b.t.Logf("line is at %+v", last)
		}
	}()
	bustest.Eventually(b.t, func() bool { last = b.lineOf(l); return cond(last) })
	return last
}

func appliedAt(n int64) func(store.Line) bool {
	return func(l store.Line) bool { return l.Applied == n }
}

// sound fails the test unless the cells equal those counted afresh.
func (b *bundle) sound(region string) {
	b.t.Helper()
	differ, err := b.store.Audit(context.Background(), region)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(differ) != 0 {
		b.t.Errorf("cells differ from facts: %v", differ)
	}
}

// watermarks hears what the centre tells a line.
func (b *bundle) watermarks(l bus.Partition) <-chan *feedv1.Watermark {
	b.t.Helper()
	heard := make(chan *feedv1.Watermark, 1000)
	keys := b.net.Keys()
	nc := b.net.Connect(bustest.Node{Region: l.Region, Name: l.Node}, l.Source)
	_, err := nc.Subscribe(l.WatermarkSubject(), func(m *nats.Msg) {
		w := &feedv1.Watermark{}
		if err := bus.VerifyMessage(m, bus.CentreOwner, keys, w); err != nil {
			b.t.Errorf("watermark: %v", err)
			return
		}
		heard <- w
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		b.t.Fatal(err)
	}
	return heard
}

// said waits for a watermark.
func (b *bundle) said(heard <-chan *feedv1.Watermark, cond func(*feedv1.Watermark) bool) {
	b.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		select {
		case w := <-heard:
			if cond(w) {
				return
			}
		case <-limit:
			b.t.Fatal("the watermark did not come")
		}
	}
}

// consumer is the feed's, once there is one.
func (b *bundle) consumer() (jetstream.JetStream, jetstream.Consumer) {
	b.t.Helper()
	js, err := jetstream.New(b.net.Centre("reporting"))
	if err != nil {
		b.t.Fatal(err)
	}
	var c jetstream.Consumer
	bustest.Eventually(b.t, func() bool { c, err = js.Consumer(context.Background(), bus.StreamName, Durable); return err == nil })
	return js, c
}

// impatient makes the hub deliver again soon what is not acknowledged.
func (b *bundle) impatient() {
	b.t.Helper()
	js, c := b.consumer()
	config := c.CachedInfo().Config
	config.AckWait = 300 * time.Millisecond
	if _, err := js.UpdateConsumer(context.Background(), bus.StreamName, config); err != nil {
		b.t.Fatal(err)
	}
}

// settled waits until the hub has nothing left to give.
func (b *bundle) settled() {
	b.t.Helper()
	_, c := b.consumer()
	bustest.Eventually(b.t, func() bool {
		i, err := c.Info(context.Background())
		return err == nil && i.NumPending == 0 && i.NumAckPending == 0
	})
}

// asOwner changes the schema under the service.
func (b *bundle) asOwner(sql string) {
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
