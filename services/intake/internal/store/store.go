// Package store keeps reports in Postgres. Every function names the node it works for; row security makes sure of it once
// more. What the database refuses comes back as a fault.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/repeat"
	"github.com/retepari/pari/pkg/serial"
	"github.com/retepari/pari/pkg/vocabulary"
	"github.com/retepari/pari/services/intake/internal/report"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database of intake up to date, with the tables of the outbox and of the code lists.
func Migrate(ctx context.Context, ownerURL string) error {
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return errors.Join(
		pg.Migrate(ctx, ownerURL, own, "intake_version"),
		pg.Migrate(ctx, ownerURL, outbox.Migrations(), outbox.VersionTable),
		pg.Migrate(ctx, ownerURL, repeat.Migrations(), repeat.VersionTable),
		pg.Migrate(ctx, ownerURL, serial.Migrations(), serial.VersionTable),
		pg.Migrate(ctx, ownerURL, vocabulary.Migrations(), vocabulary.VersionTable),
	)
}

// Reports is the reports of the nodes that the service works for.
type Reports struct {
	pool    *pgxpool.Pool
	numbers *serial.Numbers
}

// New returns the reports in pool.
func New(pool *pgxpool.Pool) *Reports {
	return &Reports{pool: pool, numbers: serial.New(pool, "report")}
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
	Request       repeat.Request
	Event         outbox.Event
}

// Submit stores a report, its history, its request id and its event, all or nothing, in one round trip. When the request id
// was used before, repeat.IsRepeated says so of the error, and Answered tells for what.
func (s *Reports) Submit(ctx context.Context, sub Submission) error {
	r, c := sub.Report, sub.Report.Codes
	codes, statuses := make([]string, len(c.Consents)), make([]string, len(c.Consents))
	for i, consent := range c.Consents {
		codes[i], statuses[i] = consent.Code, consent.Status
	}
	// Statements that are sent together are one transaction: it commits at the end of the batch, or not at all.
	b := &pgx.Batch{}
	b.Queue(pg.SetTenant, r.Node)
	sub.Request.Queue(b, r.Node, r.ID, r.ReceivedAt)
	b.Queue(statements["submit"], r.Node, r.ID, r.Number, r.ReceivedAt, r.State, r.Version, c.Channel, c.ReporterRole, c.Anonymous,
		c.Grounds, c.Wish, c.IncidentPlace, c.Language, c.Urgent, c.NoticeVersion, codes, statuses,
		sub.Sealed.KeyID, sub.Sealed.Narrative, sub.Sealed.Contact, sub.Sealed.Date, sub.ReceiptLookup)
	queueChanges(b, r)
	if err := outbox.Queue(ctx, b, sub.Event); err != nil {
		return err
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return pg.Fault(fmt.Errorf("store report: %w", err))
	}
	return nil
}

func queueChanges(b *pgx.Batch, r *report.Report) {
	for _, c := range r.Changes() {
		b.Queue(statements["history"], r.Node, r.ID, c.Version, c.At, c.By.Person, c.By.Node, c.By.System, c.What, c.From, c.To)
	}
}

// Answered returns the report that a request id was answered with, when its body was the same; else REQUEST_ID_REUSED, and
// ok false when the id is new.
func (s *Reports) Answered(ctx context.Context, node string, req repeat.Request) (r *report.Report, ok bool, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		r, ok, err = answered(ctx, tx, node, req)
		return err
	})
	return r, ok, err
}

func answered(ctx context.Context, tx pgx.Tx, node string, req repeat.Request) (*report.Report, bool, error) {
	reportID, ok, err := req.Answered(ctx, tx, node)
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
