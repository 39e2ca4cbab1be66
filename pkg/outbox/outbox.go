package outbox

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema is the tables of the outbox. It needs the role pari_app.
var Schema = pg.NewSchema(migrations, "outbox")

// MaxData is the largest payload of an event, in bytes.
const MaxData = 32 << 10

// ErrEvent is returned for an event that the relay could never send.
var ErrEvent = errors.New("outbox: invalid event")

// Event is an event as a service stores it. The relay adds service and number.
type Event struct {
	Tenant       tenant.ID
	Type         string // for instance it.pari.case.opened.v1
	Aggregate    string // pseudonym, the CloudEvents subject; it must not lead back to a person
	AggregateSeq int64  // 1, 2, 3 …, drawn under the aggregate's lock
	Data         []byte // protobuf; least data, coarsened
}

var insertEvent = pg.InsertInto("outbox",
	"tenant", "event_id", "type", "aggregate", "aggregate_seq", "data", "traceparent")

// Append stores an event in the caller's transaction, as its last statement. It returns ErrEvent for an event that the
// relay could not send. A repeated number of an aggregate violates the constraint outbox_aggregate_seq: the caller did
// not hold the aggregate's lock.
func Append(ctx context.Context, tx pgx.Tx, e Event) error {
	args, err := e.args(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertEvent.SQL(), args...); err != nil {
		return fmt.Errorf("append event: %w", err)
	}
	return nil
}

// Queue is Append for a caller that sends its statements in one batch.
func Queue(ctx context.Context, b *pgx.Batch, e Event) error {
	p, err := Prepare(ctx, e)
	if err != nil {
		return err
	}
	QueueAll(b, p)
	return nil
}

// Prepared is a valid event with the trace context of the call that caused it.
type Prepared struct{ args []any }

// Prepare is the first half of Queue, for a caller whose statements another goroutine sends; QueueAll is the second.
func Prepare(ctx context.Context, e Event) (Prepared, error) {
	args, err := e.args(ctx)
	return Prepared{args}, err
}

// QueueAll stores prepared events, in this order.
func QueueAll(b *pgx.Batch, events ...Prepared) {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = e.args
	}
	insertEvent.Queue(b, rows...)
}

func (e Event) args(ctx context.Context) ([]any, error) {
	// The relay's Config checks the source.
	_, err := bus.Partition{Tenant: e.Tenant, Source: "source"}.EventSubject(e.Type)
	switch {
	case err != nil:
		return nil, errors.Join(ErrEvent, err)
	case e.Aggregate == "" || len(e.Aggregate) > 200:
		return nil, fmt.Errorf("aggregate: %w", ErrEvent)
	case e.AggregateSeq < 1:
		return nil, fmt.Errorf("aggregate sequence: %w", ErrEvent)
	case len(e.Data) > MaxData:
		return nil, fmt.Errorf("data too long: %w", ErrEvent)
	}
	data := e.Data
	if data == nil {
		data = []byte{}
	}
	// A UUIDv4: an id that is ordered by time would tell the centre the millisecond.
	return []any{e.Tenant, uuid.New(), e.Type, e.Aggregate, e.AggregateSeq, data, bus.Traceparent(ctx)}, nil
}
