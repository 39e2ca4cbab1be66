// Package store keeps reports in Postgres. Every function names the node it works for; row security makes sure of it once
// more. What the database refuses comes back as a fault.
package store

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/batcher"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/sequence"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	"github.com/retepari/pari/services/intake/internal/report"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = pg.NewSchema(migrations, "intake")

// Migrate brings the database of intake up to date, with the tables of the outbox and of the code lists.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, schema, outbox.Schema, idempotency.Schema, sequence.Schema, replica.Schema)
}

// Reports is the reports of the nodes that the service works for.
type Reports struct {
	pool        *pgxpool.Pool
	numbers     *sequence.Allocator
	submissions *batcher.Batcher[submission]
}

// New returns the reports in pool.
func New(pool *pgxpool.Pool) *Reports {
	s := &Reports{pool: pool, numbers: sequence.New(pool, "report")}
	s.submissions = batcher.New(s.submit)
	return s
}

// Number returns the next report number of a node and year.
func (s *Reports) Number(ctx context.Context, node string, year int) (int64, error) {
	return s.numbers.Next(ctx, node, year)
}

// Sealed is what was told, sealed; the store never sees it otherwise.
type Sealed struct {
	KeyID                    uuid.UUID
	Narrative, Contact, Date []byte
}

// Submission is everything that one report is stored with.
type Submission struct {
	Report        *report.Report
	Sealed        Sealed
	ReceiptLookup []byte
	Request       idempotency.Request
	Event         outbox.Event
}

// Submit stores a report, its history, its request id and its event, all or nothing; reports that come at the same time share
// a transaction. When the request id was used before, idempotency.IsDuplicate says so of the error, and Answered tells for what.
func (s *Reports) Submit(ctx context.Context, sub Submission) error {
	event, err := outbox.Prepare(ctx, sub.Event)
	if err != nil {
		return err
	}
	return s.submissions.Do(ctx, submission{sub, event})
}

// submission is one whose event knows the call that it comes from.
type submission struct {
	Submission
	event outbox.Prepared
}

// submit stores submissions in one round trip: statements that are sent together are one transaction, which commits at the
// end of the batch, or not at all.
func (s *Reports) submit(ctx context.Context, subs []submission) error {
	byNode := map[string][]submission{}
	for _, sub := range subs {
		byNode[sub.Report.Node] = append(byNode[sub.Report.Node], sub)
	}
	b := &pgx.Batch{}
	for node, subs := range byNode {
		b.Queue(pg.SetTenant, node)
		var requests, reports, changes [][]any
		var events []outbox.Prepared
		for _, sub := range subs {
			requests = append(requests, sub.Request.Row(node, sub.Report.ID, sub.Report.ReceivedAt))
			reports = append(reports, sub.row())
			changes = append(changes, changeRows(sub.Report)...)
			events = append(events, sub.event)
		}
		idempotency.Insert.Queue(b, requests...)
		insertReport.Queue(b, reports...)
		insertChange.Queue(b, changes...)
		outbox.QueueAll(b, events...)
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return pg.ToFault(fmt.Errorf("store reports: %w", err))
	}
	return nil
}

// Answered returns the report that a request id was answered with, when its body was the same; else REQUEST_ID_REUSED, and
// ok false when the id is new.
func (s *Reports) Answered(ctx context.Context, node string, req idempotency.Request) (r *report.Report, ok bool, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		r, ok, err = answered(ctx, tx, node, req)
		return err
	})
	return r, ok, err
}

func answered(ctx context.Context, tx pgx.Tx, node string, req idempotency.Request) (*report.Report, bool, error) {
	reportID, ok, err := req.Lookup(ctx, tx, node)
	if !ok || err != nil {
		return nil, false, err
	}
	r, _, err := get(ctx, tx, node, reportID, "get")
	return r, err == nil, err
}

// Get returns one report with what is sealed of it, or NOT_FOUND.
func (s *Reports) Get(ctx context.Context, node, id string) (r *report.Report, sealed Sealed, history []report.Change, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		if r, sealed, err = get(ctx, tx, node, id, "get"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, statements["histories"], node, id)
		if err != nil {
			return err
		}
		history, err = collectChanges(rows)
		return err
	})
	return r, sealed, history, err
}

// Opened records that what was told is being opened, before it is.
func (s *Reports) Opened(ctx context.Context, node, id string, by report.Actor, now time.Time) error {
	return pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, statements["opened"], node, uuid.New(), id, now.UTC(), by.Person, by.System)
		return err
	})
}

// List returns up to limit reports of a node, newest first, from the one after position on; state "" is every state.
func (s *Reports) List(ctx context.Context, node string, state report.State, position int64, limit int) (page []*report.Report, next int64, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, statements["list"], node, string(state), position, limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		if err != nil {
			return err
		}
		if len(found) > limit {
			next = found[limit-1].Seq
			found = found[:limit]
		}
		for _, f := range found {
			page = append(page, f.report())
		}
		return nil
	})
	return page, next, err
}
