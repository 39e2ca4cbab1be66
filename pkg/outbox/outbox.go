package outbox

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/bus"
)

//go:embed migrations/*.sql
var embedded embed.FS

// VersionTable is where the migrations of this package are recorded.
const VersionTable = "outbox_version"

// Migrations are the tables outbox and outbox_line, with row security forced. They need the role pari_app to be there.
func Migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// Event is what a service writes down. Region and service are the relay's to add.
type Event struct {
	Node         string // tenant
	Type         string // for instance it.pari.case.opened.v1
	Aggregate    string // pseudonym, the CloudEvents subject: nothing that can be led back to a person
	AggregateSeq int64  // drawn under the aggregate's lock: 1, 2, 3 …
	Data         []byte // protobuf: least data, coarsened
}

const insert = `insert into outbox (node, event_id, type, aggregate, aggregate_seq, data, traceparent)
values ($1, $2, $3, $4, $5, $6, $7)`

func (e Event) args(ctx context.Context) []any {
	// Random and not ordered by time: an id that tells the millisecond would tell it to the centre.
	return []any{e.Node, uuid.New(), e.Type, e.Aggregate, e.AggregateSeq, e.Data, bus.Traceparent(ctx)}
}

// Append writes the event in the caller's transaction, as its last statement. A number used twice for one aggregate
// violates the constraint outbox_aggregate_seq: the caller did not hold the aggregate's lock.
func Append(ctx context.Context, tx pgx.Tx, e Event) error {
	if _, err := tx.Exec(ctx, insert, e.args(ctx)...); err != nil {
		return fmt.Errorf("append event: %w", err)
	}
	return nil
}

// Queue is Append for a caller that sends its statements in one round trip.
func Queue(ctx context.Context, b *pgx.Batch, e Event) {
	b.Queue(insert, e.args(ctx)...)
}
