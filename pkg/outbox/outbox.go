package outbox

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/pg"
)

//go:embed migrations/*.sql
var embedded embed.FS

// VersionTable is where the migrations of this package are recorded.
const VersionTable = "outbox_version"

// MaxData is the largest payload of an event, in bytes.
const MaxData = 32 << 10

// ErrEvent is returned for an event that could never be sent.
var ErrEvent = errors.New("outbox: event cannot be sent")

// Migrations are the tables of the outbox, with row security forced. They need the role pari_app to be there.
func Migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// Event is what a service writes down. Region, service and number are the relay's to add.
type Event struct {
	Node         string // tenant
	Type         string // for instance it.pari.case.opened.v1
	Aggregate    string // pseudonym, the CloudEvents subject: nothing that can be led back to a person
	AggregateSeq int64  // drawn under the aggregate's lock: 1, 2, 3 …
	Data         []byte // protobuf: least data, coarsened
}

var insert = pg.InsertInto("outbox", "node", "event_id", "type", "aggregate", "aggregate_seq", "data", "traceparent")

// Append writes the event in the caller's transaction, as its last statement. It returns ErrEvent for an event that the
// relay could not send. A number used twice for one aggregate violates the constraint outbox_aggregate_seq: the caller
// did not hold the aggregate's lock.
func Append(ctx context.Context, tx pgx.Tx, e Event) error {
	args, err := e.args(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insert.SQL(), args...); err != nil {
		return fmt.Errorf("append event: %w", err)
	}
	return nil
}

// Queue is Append for a caller that sends its statements in one round trip.
func Queue(ctx context.Context, b *pgx.Batch, e Event) error {
	p, err := Prepare(ctx, e)
	if err != nil {
		return err
	}
	QueueAll(b, p)
	return nil
}

// Prepared is an event that was found fit to send, with the trace of the call that it comes from.
type Prepared struct{ args []any }

// Prepare is the first half of Queue, for a caller whose statements are sent by another call; QueueAll is the second.
func Prepare(ctx context.Context, e Event) (Prepared, error) {
	args, err := e.args(ctx)
	return Prepared{args}, err
}

// QueueAll writes events that were prepared, in this order.
func QueueAll(b *pgx.Batch, events ...Prepared) {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = e.args
	}
	insert.Queue(b, rows...)
}

func (e Event) args(ctx context.Context) ([]any, error) {
	// The line that is checked is the node's; region and source are good names by the relay's own check.
	_, err := bus.Line{Region: "region", Node: e.Node, Source: "source"}.EventSubject(e.Type)
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
	// The id is random and not ordered by time: one that tells the millisecond would tell it to the centre.
	return []any{e.Node, uuid.New(), e.Type, e.Aggregate, e.AggregateSeq, data, bus.Traceparent(ctx)}, nil
}
