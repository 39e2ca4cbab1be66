// Package store keeps cases in Postgres. Every function names the node it works for; row security makes sure of it once
// more. A change is read, decided and written under the lock of its case, in one transaction with its history and events.
package store

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/sequence"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = pg.NewSchema(migrations, "casemanagement")

// Migrate brings the database of case management up to date, with the tables of the outbox and of the code lists.
func Migrate(ctx context.Context, ownerURL string) error {
	return pg.Migrate(ctx, ownerURL, schema, outbox.Schema, idempotency.Schema, sequence.Schema, replica.Schema)
}

// Tell writes what a case tells the centre.
type Tell func(c *casefile.Case, e casefile.Event) (outbox.Event, error)

// Cases is the cases of the nodes that the service works for.
type Cases struct {
	pool    *pgxpool.Pool
	numbers *sequence.Allocator
	tell    Tell
}

// New returns the cases in pool; tell writes their events.
func New(pool *pgxpool.Pool, tell Tell) *Cases {
	return &Cases{pool: pool, numbers: sequence.New(pool, "case"), tell: tell}
}

// Number returns the next case number of a node and year.
func (s *Cases) Number(ctx context.Context, node string, year int) (int64, error) {
	return s.numbers.Next(ctx, node, year)
}

// ForReport returns the case of a report, or NOT_FOUND.
func (s *Cases) ForReport(ctx context.Context, node, reportID string) (c *casefile.Case, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		c, _, err = one(ctx, tx, "for report", node, reportID)
		return err
	})
	return c, err
}

// Open stores a new case whose notes keyID will seal, unless its report has one: then that one is returned, and replayed.
func (s *Cases) Open(ctx context.Context, c *casefile.Case, keyID uuid.UUID) (stored *casefile.Case, replayed bool, err error) {
	b := &pgx.Batch{}
	b.Queue(pg.SetTenant, c.Node)
	b.Queue(statements["open"], c.Node, c.ID, c.Number, c.Pseudonym, c.State, c.Version, c.Episode, c.Received.Year, c.Received.Month,
		c.Channel, c.ReporterRole, c.OpenedAt, c.EventSeq, keyID)
	for _, reportID := range c.ReportIDs {
		b.Queue(statements["from report"], c.Node, reportID, c.ID)
	}
	if err := s.queueNews(ctx, b, c); err != nil {
		return nil, false, err
	}
	err = s.pool.SendBatch(ctx, b).Close()
	switch {
	case pg.ViolatesConstraint(err, "case_report_once"):
		stored, err = s.ForReport(ctx, c.Node, c.ReportIDs[0])
		return stored, true, err
	case err != nil:
		return nil, false, pg.ToFault(fmt.Errorf("store case: %w", err))
	}
	return c, false, nil
}

// Change reads a case under its lock, lets decide change it, and stores what came out with its history and events. A
// request that was answered before returns the case as it is now, and replayed. When check is set nothing is stored.
func (s *Cases) Change(ctx context.Context, node, id string, req idempotency.Request, now time.Time, check bool, decide func(c *casefile.Case, keyID uuid.UUID) error) (c *casefile.Case, replayed bool, err error) {
	err = pg.InTenant(ctx, s.pool, node, func(ctx context.Context, tx pgx.Tx) error {
		// The lock comes first, so that a repeated request waits for the first one and then finds its answer. The case is read by
		// a statement after it: one that waits joins the row as it was left to an assessment from before it waited.
		if _, err := tx.Exec(ctx, statements["lock"], node, id); err != nil {
			return fmt.Errorf("lock case: %w", err)
		}
		recordID, known, err := req.Lookup(ctx, tx, node)
		if err != nil {
			return err
		}
		if known {
			replayed = true
			c, _, err = one(ctx, tx, "get", node, recordID)
			return err
		}
		var keyID uuid.UUID
		if c, keyID, err = one(ctx, tx, "get", node, id); err != nil {
			return err
		}
		if err := decide(c, keyID); err != nil {
			return err
		}
		if check {
			return nil
		}
		b := &pgx.Batch{}
		req.Queue(b, node, c.ID, now)
		s.queueCase(b, c)
		if err := s.queueNews(ctx, b, c); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("store change: %w", err)
		}
		return nil
	})
	if idempotency.IsDuplicate(err) { // the same id for two cases at once: the other was first, and said something else
		return nil, false, fault.New(fault.RequestIDReused)
	}
	if err != nil {
		return nil, false, err
	}
	return c, replayed, nil
}

// queueCase writes the case's own row and what its changes added beside it.
func (s *Cases) queueCase(b *pgx.Batch, c *casefile.Case) {
	var assessed int64
	for _, change := range c.Changes() {
		if change.What == casefile.Assessed {
			assessed = change.Version
		}
	}
	if assessed != 0 {
		a := c.Assessment
		var year, month *int32
		if a.IncidentMonth != nil {
			year, month = &a.IncidentMonth.Year, &a.IncidentMonth.Month
		}
		b.Queue(statements["assess"], c.Node, c.ID, assessed, a.Verdict, a.Grounds, a.MainGround, a.Type, list(a.Flags), a.Field,
			a.AuthorKinds, year, month, a.EventPlace, a.Residence, a.Sensitivity)
	}
	for _, a := range c.NewActions() {
		b.Queue(statements["act"], c.Node, c.ID, a.ID, c.Version, a.Code, a.Result, a.ReferralTarget, a.Minutes, a.SealedNote, a.At,
			a.By.Person, a.By.Node, a.By.System)
	}
	var outcome *string
	var secondary []string
	var informed *bool
	var note []byte
	if c.Closing != nil {
		outcome, secondary, informed, note = &c.Closing.Outcome, list(c.Closing.Secondary), &c.Closing.PersonInformed, c.Closing.SealedNote
	}
	b.Queue(statements["update"], c.Node, c.ID, c.State, c.Before, c.Version, c.Episode, c.ClosedAt, assessed, c.EventSeq, outcome, secondary, informed, note)
}

// queueNews writes history and events. Events come last: their numbers are the case's, drawn under its lock.
func (s *Cases) queueNews(ctx context.Context, b *pgx.Batch, c *casefile.Case) error {
	for _, h := range c.Changes() {
		b.Queue(statements["history"], c.Node, c.ID, h.Version, h.At, h.By.Person, h.By.Node, h.By.System, h.What, h.From, h.To)
	}
	for _, e := range c.Events() {
		event, err := s.tell(c, e)
		if err != nil {
			return err
		}
		if err := outbox.Queue(ctx, b, event); err != nil {
			return err
		}
	}
	return nil
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
