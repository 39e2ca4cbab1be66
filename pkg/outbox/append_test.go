package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/trace"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure an event that the relay could never send is refused before it is stored.
func TestAppend_RefusesInvalidEvents(t *testing.T) {
	t.Parallel()
	valid := outbox.Event{Tenant: partition.Tenant, Type: eventType, Aggregate: "a", AggregateSeq: 1, Data: []byte("x")}
	if err := outbox.Queue(t.Context(), &pgx.Batch{}, valid); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*outbox.Event)
		ok     bool
	}{
		"foreign type":         {func(e *outbox.Event) { e.Type = "org.example.v1" }, false},
		"node with a dot":      {func(e *outbox.Event) { e.Tenant.Node = "a.b" }, false},
		"region with a dot":    {func(e *outbox.Event) { e.Tenant.Region = "a.b" }, false},
		"no node":              {func(e *outbox.Event) { e.Tenant.Node = "" }, false},
		"no region":            {func(e *outbox.Event) { e.Tenant.Region = "" }, false},
		"no tenant":            {func(e *outbox.Event) { e.Tenant = tenant.ID{} }, false},
		"no aggregate":         {func(e *outbox.Event) { e.Aggregate = "" }, false},
		"longest aggregate":    {func(e *outbox.Event) { e.Aggregate = strings.Repeat("x", 200) }, true},
		"aggregate too long":   {func(e *outbox.Event) { e.Aggregate = strings.Repeat("x", 201) }, false},
		"no aggregate number":  {func(e *outbox.Event) { e.AggregateSeq = 0 }, false},
		"no data":              {func(e *outbox.Event) { e.Data = nil }, true},
		"largest data allowed": {func(e *outbox.Event) { e.Data = make([]byte, outbox.MaxData) }, true},
		"data too large":       {func(e *outbox.Event) { e.Data = make([]byte, outbox.MaxData+1) }, false},
	} {
		e, b := valid, &pgx.Batch{}
		c.change(&e)
		appendErr, queueErr := outbox.Append(t.Context(), noTx{}, e), outbox.Queue(t.Context(), b, e)
		if c.ok && (appendErr != nil || queueErr != nil || b.Len() != 1) {
			t.Errorf("%s: %v, %v", name, appendErr, queueErr)
		}
		if !c.ok && (!errors.Is(appendErr, outbox.ErrEvent) || !errors.Is(queueErr, outbox.ErrEvent) || b.Len() != 0) {
			t.Errorf("%s: %v, %v; want ErrEvent", name, appendErr, queueErr)
		}
	}
}

// noTx is a transaction that stores nothing.
type noTx struct{ pgx.Tx }

func (noTx) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, nil
}

// Ensure an event is stored with the trace of its call, and that a number drawn without the aggregate's lock, and an
// event of another tenant, violate constraints.
func TestAppend(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOutbox).Pool(t)
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	event := outbox.Event{Tenant: livo, Type: eventType, Aggregate: "a", AggregateSeq: 1}
	store := func(e outbox.Event) error {
		return pg.InTenant(ctx, pool, livo, func(ctx context.Context, tx pgx.Tx) error {
			return outbox.Append(ctx, tx, e)
		})
	}
	if err := store(event); err != nil {
		t.Fatal(err)
	}
	var traceparent string
	err := pg.InTenant(ctx, pool, livo, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select traceparent from outbox`).Scan(&traceparent)
	})
	if err != nil || traceparent != "00-01000000000000000000000000000000-0200000000000000-00" {
		t.Errorf("the trace is %q, %v", traceparent, err)
	}
	err = pg.InTenant(ctx, pool, trentinoLivo, func(ctx context.Context, tx pgx.Tx) error {
		e := event
		e.Tenant = trentinoLivo
		return outbox.Append(ctx, tx, e)
	})
	if err != nil {
		t.Errorf("the same number at a namesake: %v", err)
	}
	if err := store(event); !pg.ViolatesConstraint(err, "outbox_aggregate_seq") {
		t.Errorf("the same number again: %v", err)
	}
	for _, another := range []tenant.ID{bustest.Cuneo, trentinoLivo} {
		event.Tenant = another
		if err := store(event); err == nil {
			t.Errorf("an event of %s was stored", another)
		}
	}
}

// Ensure prepared events are stored in the order in which they are queued.
func TestQueueAll(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "outbox_schema", migrateOutbox).Pool(t)
	var prepared []outbox.Prepared
	for seq := range int64(40) {
		p, err := outbox.Prepare(t.Context(), outbox.Event{
			Tenant: partition.Tenant, Type: eventType, Aggregate: "a", AggregateSeq: 40 - seq,
		})
		if err != nil {
			t.Fatal(err)
		}
		prepared = append(prepared, p)
	}
	var stored []int64
	err := pg.InTenant(t.Context(), pool, partition.Tenant, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		outbox.QueueAll(b, prepared...)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select aggregate_seq from outbox order by id`)
		if err != nil {
			return err
		}
		stored, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err != nil || len(stored) != 40 {
		t.Fatalf("stored %v, %v", stored, err)
	}
	for i, seq := range stored {
		if seq != int64(40-i) {
			t.Errorf("row %d is event %d, want %d", i, seq, 40-i)
		}
	}
}
