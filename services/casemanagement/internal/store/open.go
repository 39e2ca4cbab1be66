package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

const insertCase = `insert into case_file (tenant, case_id, number, pseudonym, state, version, episode, received_year,
	received_month, channel, reporter_role, opened_at, event_seq)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

const insertCaseReport = `insert into case_report (tenant, report_id, case_id) values ($1, $2, $3)`

// Open stores a new case. When its number is taken, the case gets another one from drawNumber. When the report has a
// case already, Open returns that one and replayed.
func (s *Cases) Open(
	ctx context.Context, c *casefile.Case, drawNumber func() string,
) (stored *casefile.Case, replayed bool, err error) {
	for {
		stored, replayed, err = s.open(ctx, c)
		if !pg.ViolatesConstraint(err, "case_number") || drawNumber == nil {
			return stored, replayed, err
		}
		c.Number = drawNumber()
	}
}

func (s *Cases) open(ctx context.Context, c *casefile.Case) (stored *casefile.Case, replayed bool, err error) {
	b := &pgx.Batch{}
	b.Queue(pg.SetTenant, c.Tenant)
	b.Queue(insertCase, c.Tenant, c.ID, c.Number, c.Pseudonym, c.State, c.Version, c.Episode, c.Received.Year,
		c.Received.Month, c.Channel, c.ReporterRole, c.OpenedAt, c.EventSeq)
	for _, reportID := range c.ReportIDs {
		b.Queue(insertCaseReport, c.Tenant, reportID, c.ID)
	}
	queueHistory(b, c)
	if err := s.queueEvents(ctx, b, c); err != nil {
		return nil, false, err
	}
	err = s.pool.SendBatch(ctx, b).Close()
	switch {
	case pg.ViolatesConstraint(err, "case_report_pkey"):
		stored, err = s.GetByReport(ctx, c.Tenant, c.ReportIDs[0])
		return stored, true, err
	case err != nil:
		return nil, false, pg.ToFault(fmt.Errorf("insert case: %w", err))
	}
	return c, false, nil
}
