package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// HubDomain is the JetStream domain of the centre. An acknowledgement from another domain does not count.
const HubDomain = "hub"

// MaxMsgSize is the largest event that the stream takes, headers included.
const MaxMsgSize = 64 << 10

// StreamOptions are what an installation may choose; the feed relies on the rest of the stream's configuration.
type StreamOptions struct {
	Replicas int   // 1 in one process, 3 in production
	MaxBytes int64 // 0 = bounded by the disk only
}

// EnsureStream creates the stream of events at the hub, or updates its configuration. Call it on every start;
// concurrent calls are safe.
func EnsureStream(ctx context.Context, nc *nats.Conn, o StreamOptions) (jetstream.Stream, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("event stream: %w", err)
	}
	c := jetstream.StreamConfig{
		Name:               StreamName,
		Description:        "regional events of all nodes; the outboxes are the source of truth",
		Subjects:           []string{StreamSubjects},
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		Replicas:           max(o.Replicas, 1),
		MaxBytes:           -1,
		MaxMsgSize:         MaxMsgSize,
		Duplicates:         10 * time.Minute,
		DenyDelete:         true,
		DenyPurge:          true,
		AllowAtomicPublish: true,
	}
	if o.MaxBytes > 0 {
		c.MaxBytes = o.MaxBytes
	}
	s, err := js.CreateOrUpdateStream(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("event stream: %w", err)
	}
	return s, nil
}

// EnsureConsumer creates or updates a durable pull consumer with explicit acknowledgement and unlimited deliveries: an
// event that cannot be applied is dead-lettered by its reader, never dropped by the broker.
func EnsureConsumer(
	ctx context.Context, nc *nats.Conn, durable string, subjects ...string,
) (jetstream.Consumer, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("event consumer: %w", err)
	}
	c := jetstream.ConsumerConfig{
		Durable:           durable,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           30 * time.Second,
		MaxDeliver:        -1,
		MaxAckPending:     4096,
		InactiveThreshold: 0,
	}
	switch len(subjects) {
	case 0:
	case 1:
		c.FilterSubject = subjects[0]
	default:
		c.FilterSubjects = subjects
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, StreamName, c)
	if err != nil {
		return nil, fmt.Errorf("event consumer: %w", err)
	}
	return consumer, nil
}
