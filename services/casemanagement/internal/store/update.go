package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

const lockCase = `select from case_file where tenant = $1 and case_id = $2 for update`

// Update locks a case, applies mutate, and stores the case with its history and events. A request that was answered
// before returns the case as it is now, and replayed. With validateOnly nothing is stored.
func (s *Cases) Update(
	ctx context.Context, t tenant.ID, id string, requestKey idempotency.Request, now time.Time, validateOnly bool,
	mutate func(c *casefile.Case) error,
) (c *casefile.Case, replayed bool, err error) {
	err = pg.InTenant(ctx, s.pool, t, func(ctx context.Context, tx pgx.Tx) error {
		// Lock the case before the request id is looked up: a concurrent request with the same id then waits here for
		// the first one, and finds it. The case is read by a second statement: a statement that waits for a lock joins
		// the new row to the assessments of its older snapshot.
		if _, err := tx.Exec(ctx, lockCase, t, id); err != nil {
			return fmt.Errorf("lock case: %w", err)
		}
		recordID, found, err := requestKey.Lookup(ctx, tx, t)
		if err != nil {
			return err
		}
		if found {
			replayed = true
			c, err = queryCase(ctx, tx, selectCase, t, recordID)
			return err
		}
		if c, err = queryCase(ctx, tx, selectCase, t, id); err != nil {
			return err
		}
		if err := mutate(c); err != nil || validateOnly {
			return err
		}
		return s.storeUpdate(ctx, tx, c, requestKey, now)
	})
	if idempotency.IsDuplicate(err) { // a concurrent request for another case: one for this case waits for the lock
		return nil, false, fault.New(fault.RequestIDReused)
	}
	if err != nil {
		return nil, false, err
	}
	return c, replayed, nil
}

func (s *Cases) storeUpdate(
	ctx context.Context, tx pgx.Tx, c *casefile.Case, requestKey idempotency.Request, now time.Time,
) error {
	b := &pgx.Batch{}
	requestKey.Queue(b, c.Tenant, c.ID, now)
	assessmentVersion := queueAssessment(b, c)
	queueActions(b, c)
	queueCase(b, c, assessmentVersion)
	queueHistory(b, c)
	if err := s.queueEvents(ctx, b, c); err != nil {
		return err
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("update case: %w", err)
	}
	return nil
}

const insertAssessment = `insert into assessment (tenant, case_id, version, verdict, grounds, main_ground, type, flags,
	field, author_kinds, incident_year, incident_month, event_place, residence, sensitivity)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

// queueAssessment inserts the case's assessment when it is unsaved. It returns the version of the assessment, or 0.
func queueAssessment(b *pgx.Batch, c *casefile.Case) (version int64) {
	for _, h := range c.UnsavedHistory() {
		if h.What == casefile.HistoryAssessed {
			version = h.Version
		}
	}
	if version == 0 {
		return 0
	}
	a := c.Assessment
	var year, month *int32
	if a.IncidentMonth != nil {
		year, month = &a.IncidentMonth.Year, &a.IncidentMonth.Month
	}
	b.Queue(insertAssessment, c.Tenant, c.ID, version, a.Verdict, a.Grounds, a.MainGround, a.Type, nonNil(a.Flags),
		a.Field, a.AuthorKinds, year, month, a.EventPlace, a.Residence, a.Sensitivity)
	return version
}

const updateCase = `update case_file set state = $3, previous_state = $4, version = $5, episode = $6, closed_at = $7,
	assessment_version = case when $8::bigint = 0 then assessment_version else $8 end, event_seq = $9, outcome = $10,
	secondary_outcomes = $11, person_informed = $12, closing_note = $13
	where tenant = $1 and case_id = $2`

// queueCase updates the case. Assessment version 0 leaves the current assessment.
func queueCase(b *pgx.Batch, c *casefile.Case, assessmentVersion int64) {
	var outcome *string
	var secondary []string
	var informed *bool
	var note []byte
	if closing := c.Closing; closing != nil {
		outcome, secondary = &closing.Outcome, nonNil(closing.SecondaryOutcomes)
		informed, note = &closing.PersonInformed, closing.SealedNote
	}
	b.Queue(updateCase, c.Tenant, c.ID, c.State, c.PreviousState, c.Version, c.Episode, c.ClosedAt, assessmentVersion,
		c.EventSeq, outcome, secondary, informed, note)
}

// nonNil returns an empty array instead of nil, which Postgres would store as NULL.
func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
