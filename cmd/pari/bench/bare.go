package bench

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/retepari/pari/pkg/bus/natsserver"
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
	body   []byte
}

const bareSubject = "bare.events"

func startBare(ctx context.Context, w *world) (*bare, error) {
	config := fmt.Sprintf("listen: \"127.0.0.1:-1\"\njetstream { store_dir: %q, sync_interval: always }\n", fmt.Sprintf("%s/bare-%d", w.dir, time.Now().UnixNano()))
	broker, err := natsserver.Start(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	b := &bare{broker: broker}
	if err := b.start(ctx, w.floors); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

func (b *bare) start(ctx context.Context, pool *pgxpool.Pool) (err error) {
	if _, err := pool.Exec(ctx, `create table if not exists bench_events (id bigint generated always as identity primary key, body bytea not null)`); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	data, err := event()
	if err != nil {
		return err
	}
	b.body = append(make([]byte, 400), data...) // with what the headers of a signed event weigh
	if b.conn, err = nats.Connect(b.broker.URL()); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(backlog)); err != nil {
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
	b.done.Go(func() { b.consume(running, consumer, pool) })
	return nil
}

func (b *bare) consume(ctx context.Context, consumer jetstream.Consumer, pool *pgxpool.Pool) {
	for ctx.Err() == nil {
		batch, err := consumer.FetchNoWait(256)
		if err != nil {
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
			return
		}
		for _, m := range msgs {
			_ = m.Ack()
		}
		b.count.Add(int64(len(msgs)))
	}
}

func (b *bare) publish(ctx context.Context) error {
	_, err := b.js.Publish(ctx, bareSubject, b.body)
	return err
}

func (b *bare) inserted() int64 { return b.count.Load() }

// drain publishes a backlog as fast as the broker answers and waits until all of it is inserted.
func (b *bare) drain(ctx context.Context) (round, error) {
	base, from := b.inserted(), time.Now()
	for range backlog {
		if _, err := b.js.PublishAsync(bareSubject, b.body); err != nil {
			return round{}, fmt.Errorf("publish: %w", err)
		}
	}
	for b.inserted()-base < backlog {
		if time.Since(from) > 2*time.Minute {
			return round{}, fmt.Errorf("only %d of %d events were inserted", b.inserted()-base, backlog)
		}
		wait(ctx, look)
	}
	return round{perSecond: backlog / time.Since(from).Seconds()}, nil
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
