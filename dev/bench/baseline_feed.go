package bench

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
)

const (
	// maxUnacked bounds the messages in flight, and those inserted together. It is the default batch of our relay.
	maxUnacked = 256

	baselineStream   = "BASELINE"
	baselineConsumer = "baseline"
	baselineSubjects = "pari.v1.>"
)

const (
	createEventTable = `create table if not exists bench_events
		(id bigint generated always as identity primary key, body bytea not null)`
	insertEvents = `insert into bench_events (body) select unnest($1::bytea[])`
)

// baselineFeed moves events from a publisher to a table: one broker that syncs each write, a publisher that waits for
// its acknowledgement, and a consumer that inserts batches. It does not sign, number, verify or count.
type baselineFeed struct {
	broker *natsserver.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	count  atomic.Int64
	cancel context.CancelFunc
	done   sync.WaitGroup
	msg    *nats.Msg // as long as a signed event of the node
	failed atomic.Pointer[error]
}

// startBaselineFeed starts the broker, and a goroutine that consumes until stop is called.
func startBaselineFeed(ctx context.Context, e *env) (*baselineFeed, error) {
	storeDir := filepath.Join(e.dir, fmt.Sprintf("baseline-%d", time.Now().UnixNano()))
	config := fmt.Sprintf("listen: \"127.0.0.1:-1\"\njetstream { store_dir: %q, sync_interval: always }\n", storeDir)
	broker, err := natsserver.Start(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	b := &baselineFeed{broker: broker}
	if err := b.start(ctx, e); err != nil {
		b.stop()
		return nil, fmt.Errorf("baseline: %w", err)
	}
	return b, nil
}

func (b *baselineFeed) start(ctx context.Context, e *env) (err error) {
	if _, err := e.baselineDB.Exec(ctx, createEventTable); err != nil {
		return err
	}
	if b.msg, err = signedEvent(e); err != nil {
		return err
	}
	if b.conn, err = nats.Connect(b.broker.URL()); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(maxUnacked)); err != nil {
		return err
	}
	stream, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: baselineStream, Subjects: []string{baselineSubjects},
	})
	if err != nil {
		return err
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: baselineConsumer, AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	b.cancel = cancel
	b.done.Go(func() { b.consume(running, consumer, e.baselineDB) })
	return nil
}

func (b *baselineFeed) consume(ctx context.Context, consumer jetstream.Consumer, pool *pgxpool.Pool) {
	for ctx.Err() == nil {
		batch, err := consumer.FetchNoWait(maxUnacked)
		if err != nil {
			b.failed.CompareAndSwap(nil, &err)
			return
		}
		var bodies [][]byte
		var msgs []jetstream.Msg
		for m := range batch.Messages() {
			bodies, msgs = append(bodies, m.Data()), append(msgs, m)
		}
		if len(msgs) == 0 {
			sleep(ctx, time.Millisecond)
			continue
		}
		if _, err := pool.Exec(ctx, insertEvents, bodies); err != nil {
			b.failed.CompareAndSwap(nil, &err)
			return
		}
		for _, m := range msgs {
			_ = m.Ack()
		}
		b.count.Add(int64(len(msgs)))
	}
}

// newMsg returns the event with a new message id, because the broker drops duplicates.
func (b *baselineFeed) newMsg() *nats.Msg {
	m := &nats.Msg{Subject: b.msg.Subject, Header: maps.Clone(b.msg.Header), Data: b.msg.Data}
	m.Header[nats.MsgIdHdr] = []string{uuid.NewString()}
	return m
}

func (b *baselineFeed) publish(ctx context.Context, _ int) error {
	_, err := b.js.PublishMsg(ctx, b.newMsg())
	return err
}

// inserted returns how many events were inserted, or the error that stopped the consumer.
func (b *baselineFeed) inserted(context.Context) (int64, error) {
	if err := b.failed.Load(); err != nil {
		return 0, fmt.Errorf("insert: %w", *err)
	}
	return b.count.Load(), nil
}

// drain publishes n events without waiting for each acknowledgement, and waits until all are inserted.
func (b *baselineFeed) drain(ctx context.Context, n int) (round, error) {
	base, err := b.inserted(ctx)
	if err != nil {
		return round{}, err
	}
	start := time.Now()
	for range n {
		if _, err := b.js.PublishMsgAsync(b.newMsg(), jetstream.WithStallWait(10*time.Second)); err != nil {
			return round{}, fmt.Errorf("publish: %w", err)
		}
	}
	if err := waitForCount(ctx, base+int64(n), b.inserted); err != nil {
		return round{}, err
	}
	return round{figure: float64(n) / time.Since(start).Seconds()}, nil
}

// signedEvent returns an event of the node with all headers that our relay sends.
func signedEvent(e *env) (*nats.Msg, error) {
	data, err := eventData()
	if err != nil {
		return nil, err
	}
	signer, err := bus.LoadSigner(e.net.Env("intake.cremona")["PARI_SIGNING_KEY_FILE"])
	if err != nil {
		return nil, err
	}
	event := &bus.Event{
		ID: uuid.NewString(), Type: reportCounted, Subject: uuid.NewString(), AggregateSeq: 1, NodeSeq: 1, Data: data,
		Partition: bus.Partition{Tenant: cremona, Source: "intake"},
	}
	event.Sign(signer)
	return event.Msg()
}

func (b *baselineFeed) stop() {
	if b.cancel != nil {
		b.cancel()
		b.done.Wait()
	}
	if b.conn != nil {
		b.conn.Close()
	}
	b.broker.Stop()
}
