package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// ValidateFunc checks proposed entries together with the rest of the directory, before they become current.
type ValidateFunc func(proposed, rest []*directoryv1.Entry) error

// Decision approves or rejects a proposal.
type Decision struct {
	ProposalID string
	Version    int64
	Approve    bool
	Note       string
	DecidedBy  Actor
	// Scope of the person who decides. It must include all entries of the proposal.
	Scope entry.VisibilityScope
	// MayDecide reports whether the person may decide on a change of an entry. It must hold for each entry of the
	// proposal, both before and after the change.
	MayDecide func(*directoryv1.Entry) bool
	DecidedAt time.Time
	// Today is the date in Europe/Rome, ISO 8601.
	Today string
	// Cached is a snapshot of any revision. It saves reading what has not changed since.
	Cached Snapshot
}

// Decide stores a decision, once per request, and applies an approved proposal that is due. It returns the faults
// NOT_FOUND, REQUEST_ID_REUSED, WRONG_NODE, WRONG_VERSION, FORBIDDEN_MOVE, SECOND_PERSON_NEEDED and those of validate.
func Decide(
	ctx context.Context, pool *pgxpool.Pool, d Decision, req idempotency.Request, validate ValidateFunc,
) (p Proposal, replayed bool, err error) {
	err = pg.InTenant(ctx, pool, tenant.Centre, func(ctx context.Context, tx pgx.Tx) error {
		// The lock comes before the lookup: a repeated request waits for the first one and then finds its result.
		if p, err = getProposal(ctx, tx, d.ProposalID, selectProposalForUpdate); err != nil {
			return err
		}
		if !d.includes(p) {
			return fault.New(fault.NotFound)
		}
		id, found, err := req.Lookup(ctx, tx, tenant.Centre)
		if err != nil {
			return err
		}
		if found {
			if replayed = true; id != d.ProposalID {
				return fault.New(fault.RequestIDReused)
			}
			return nil
		}
		if err := d.authorize(ctx, tx, p); err != nil {
			return err
		}
		if err := d.check(p); err != nil {
			return err
		}
		p.decidedBy, p.DecidedAt, p.Note = d.DecidedBy, timestamppb.New(d.DecidedAt), d.Note
		switch {
		case !d.Approve:
			p.State = directoryv1.ProposalState_PROPOSAL_STATE_REJECTED
		case p.GetEffectiveOn() > d.Today:
			p.State = directoryv1.ProposalState_PROPOSAL_STATE_SCHEDULED
		default:
			if _, err := apply(ctx, tx, p, d.Cached, validate, d.DecidedAt); err != nil {
				return err
			}
		}
		b := &pgx.Batch{}
		req.Queue(b, tenant.Centre, p.GetProposalId(), d.DecidedAt)
		queueDecision(b, p)
		return tx.SendBatch(ctx, b).Close()
	})
	return p, replayed, err
}

// includes reports whether the person who decides sees the whole proposal.
func (d Decision) includes(p Proposal) bool {
	return !slices.ContainsFunc(p.GetChanges(), func(c *directoryv1.PlannedChange) bool {
		return !d.Scope.Includes(c.GetEntry())
	})
}

const selectBaseEntries = `
	select ` + entryColumns + ` from entry
	where (kind, id, revision) in (select kind, id, base_revision from proposal_entry where proposal_id = $1)`

// authorize returns the fault WRONG_NODE unless the person may decide on all of the proposal. It reads the entries on
// which the changes are based: a change may move an entry out of a region.
func (d Decision) authorize(ctx context.Context, tx pgx.Tx, p Proposal) error {
	rows, err := tx.Query(ctx, selectBaseEntries, p.GetProposalId())
	if err != nil {
		return err
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return err
	}
	for _, c := range p.GetChanges() {
		entries = append(entries, c.GetEntry())
	}
	if slices.ContainsFunc(entries, func(e *directoryv1.Entry) bool { return !d.MayDecide(e) }) {
		return fault.New(fault.WrongNode)
	}
	return nil
}

// check reports why a proposal cannot be decided.
func (d Decision) check(p Proposal) error {
	switch {
	case p.GetVersion() != d.Version:
		return fault.New(fault.WrongVersion).WithMeta("current_version", strconv.FormatInt(p.GetVersion(), 10))
	case p.GetState() != directoryv1.ProposalState_PROPOSAL_STATE_PENDING:
		return fault.New(fault.ForbiddenMove)
	case p.ProposedBy.Person == d.DecidedBy.Person:
		return fault.New(reason.SecondPersonNeeded)
	}
	return nil
}

const updateProposal = `
	update proposal set version = $2, state = $3, decider_person = $4, decider_tenant = $5, decider_system = $6,
	decided_at = $7, note = $8, revision = $9 where proposal_id = $1`

func queueDecision(b *pgx.Batch, p Proposal) {
	p.Version++
	by := p.decidedBy
	b.Queue(updateProposal, p.GetProposalId(), p.GetVersion(), stateName(p.GetState()),
		by.Person, by.Tenant, by.System, p.GetDecidedAt().AsTime(), p.GetNote(), p.GetRevision())
}

const lockDueProposal = `
	select proposal_id from proposal where state = 'SCHEDULED' and effective_on <= $1::text::date
	order by effective_on, seq limit 1 for update skip locked`

// ApplyDue applies the scheduled proposals that are due, each in a transaction of its own, and returns their number. A
// proposal whose entries have changed since, or are no longer valid, becomes a conflict.
func ApplyDue(
	ctx context.Context, pool *pgxpool.Pool, today string, now time.Time, validate ValidateFunc,
) (n int, err error) {
	var cached Snapshot
	for {
		done := false
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			var id string
			err := tx.QueryRow(ctx, lockDueProposal, today).Scan(&id)
			if errors.Is(err, pgx.ErrNoRows) {
				done = true
				return nil
			}
			if err != nil {
				return err
			}
			p, err := getProposal(ctx, tx, id, selectProposal)
			if err != nil {
				return err
			}
			cached, err = apply(ctx, tx, p, cached, validate, now)
			if fault.Is(err, fault.WrongVersion) || fault.Is(err, fault.InvalidRequest) {
				p.State, err = directoryv1.ProposalState_PROPOSAL_STATE_CONFLICT, nil
			}
			if err != nil {
				return err
			}
			b := &pgx.Batch{}
			queueDecision(b, p)
			return tx.SendBatch(ctx, b).Close()
		})
		if err != nil || done {
			return n, pg.ToFault(err)
		}
		n++
	}
}
