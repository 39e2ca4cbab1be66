package bench

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
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

// bare is the least that moves events from one place to a table at another: one broker whose every write is synced, a
// publisher that waits for its answer, a consumer that inserts batches. Nothing is signed, numbered, checked or counted.
type bare struct {
	broker *natsserver.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	count  atomic.Int64
	cancel context.CancelFunc
	done   sync.WaitGroup
	msg    *nats.Msg // as long as a signed event of the node
	failed atomic.Pointer[error]
}

// window is how many messages are on their way at once, or are inserted together: as many as our relay takes.
const window = 256

const bareSubject = "pari.v1.>"

func startBare(ctx context.Context, w *world) (*bare, error) {
	config := fmt.Sprintf("listen: \"127.0.0.1:-1\"\njetstream { store_dir: %q, sync_interval: always }\n", fmt.Sprintf("%s/bare-%d", w.dir, time.Now().UnixNano()))
	broker, err := natsserver.Start(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	b := &bare{broker: broker}
	if err := b.start(ctx, w); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

func (b *bare) start(ctx context.Context, w *world) (err error) {
	if _, err := w.floors.Exec(ctx, `create table if not exists bench_events (id bigint generated always as identity primary key, body bytea not null)`); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	if b.msg, err = signedEvent(w); err != nil {
		return err
	}
	if b.conn, err = nats.Connect(b.broker.URL()); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(window)); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	stream, err := b.js.CreateStream(ctx, jetstream.StreamConfig{Name: "BARE", Subjects: []string{bareSubject}})
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "bare", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	running, cancel := context.WithCancel(ctx)
	b.cancel = cancel
	b.done.Go(func() { b.consume(running, consumer, w.floors) })
	return nil
}

func (b *bare) consume(ctx context.Context, consumer jetstream.Consumer, pool *pgxpool.Pool) {
	for ctx.Err() == nil {
		batch, err := consumer.FetchNoWait(window)
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
			wait(ctx, time.Millisecond)
			continue
		}
		if _, err := pool.Exec(ctx, `insert into bench_events (body) select unnest($1::bytea[])`, bodies); err != nil {
			b.failed.CompareAndSwap(nil, &err)
			return
		}
		for _, m := range msgs {
			_ = m.Ack()
		}
		b.count.Add(int64(len(msgs)))
	}
}

// message is the event under an id of its own, as the broker's check for duplicates asks.
func (b *bare) message() *nats.Msg {
	m := &nats.Msg{Subject: b.msg.Subject, Header: maps.Clone(b.msg.Header), Data: b.msg.Data}
	m.Header[nats.MsgIdHdr] = []string{uuid.NewString()}
	return m
}

func (b *bare) publish(ctx context.Context, _ int) error {
	_, err := b.js.PublishMsg(ctx, b.message())
	return err
}

func (b *bare) inserted(context.Context) (int64, error) {
	if err := b.failed.Load(); err != nil {
		return 0, fmt.Errorf("insert: %w", *err)
	}
	return b.count.Load(), nil
}

// drain publishes a backlog, at most window unanswered, and waits until all of it is inserted.
func (b *bare) drain(ctx context.Context) (round, error) {
	base, err := b.inserted(ctx)
	if err != nil {
		return round{}, err
	}
	from := time.Now()
	for range backlog {
		if _, err := b.js.PublishMsgAsync(b.message(), jetstream.WithStallWait(10*time.Second)); err != nil {
			return round{}, fmt.Errorf("publish: %w", err)
		}
	}
	if err := until(ctx, base+backlog, b.inserted); err != nil {
		return round{}, err
	}
	return round{figure: backlog / time.Since(from).Seconds()}, nil
}

// signedEvent is an event of the node as it travels.
func signedEvent(w *world) (*nats.Msg, error) {
	data, err := event()
	if err != nil {
		return nil, err
	}
	signer, err := bus.LoadSigner(w.net.Env("intake.cremona")["PARI_SIGNING_KEY_FILE"])
	if err != nil {
		return nil, err
	}
	e := &bus.Event{
		ID: uuid.NewString(), Type: reportCounted, Partition: bus.Partition{Region: "lombardia", Node: "cremona", Source: "intake"},
		Subject: uuid.NewString(), AggregateSeq: 1, NodeSeq: 1, Data: data,
	}
	e.Sign(signer)
	return e.Msg()
}

func (b *bare) stop() {
	if b.cancel != nil {
		b.cancel()
		b.done.Wait()
	}
	if b.conn != nil {
		b.conn.Close()
	}
	b.broker.Stop()
}
