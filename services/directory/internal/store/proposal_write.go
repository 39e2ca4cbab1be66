package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// tenant is whose request ids these are: the directory is the centre's, whoever changes it.
const tenant = identity.Centre

// ValidateFunc tells what is wrong with entries among all others, before they become current.
type ValidateFunc func(proposed, rest []*directoryv1.Entry) error

// Actor is who proposes or decides. It is kept with the proposal, and told to nobody but the auditors of the database.
type Actor struct{ Person, Node, System string }

// Proposal is a proposal with who made it.
type Proposal struct {
	*directoryv1.Proposal

	ProposedBy Actor
	decidedBy  Actor
}

const insertProposal = `
	insert into proposal (proposal_id, reason, effective_on, proposer_person, proposer_node, proposer_system, proposed_at)
	values ($1, $2, $3::text::date, $4, $5, $6, $7)`

const insertProposalEntry = `
	insert into proposal_entry (proposal_id, kind, id, base_revision, changed_fields, content)
	values ($1, $2, $3, $4, $5, $6)`

// InsertProposal keeps a proposal for a second person, once per request.
func InsertProposal(ctx context.Context, pool *pgxpool.Pool, p Proposal, req idempotency.Request) (kept Proposal, replayed bool, err error) {
	err = pg.InTenant(ctx, pool, tenant, func(ctx context.Context, tx pgx.Tx) error {
		id, known, err := req.Lookup(ctx, tx, tenant)
		if err != nil {
			return err
		}
		if known {
			replayed = true
			kept, err = getProposal(ctx, tx, id, selectProposal)
			return err
		}
		b := &pgx.Batch{}
		req.Queue(b, tenant, p.GetProposalId(), p.GetProposedAt().AsTime())
		b.Queue(insertProposal, p.GetProposalId(), p.GetReason(), optional(p.GetEffectiveOn()), p.ProposedBy.Person, p.ProposedBy.Node, p.ProposedBy.System, p.GetProposedAt().AsTime())
		for _, c := range p.GetChanges() {
			content, err := entry.Marshal(c.GetEntry())
			if err != nil {
				return fmt.Errorf("%s: %w", entry.RefOf(c.GetEntry()), err)
			}
			b.Queue(insertProposalEntry, p.GetProposalId(), c.GetEntry().GetKind(), c.GetEntry().GetId(), c.GetBaseRevision(), list(c.GetChangedFields()), content)
		}
		kept = p
		return tx.SendBatch(ctx, b).Close()
	})
	if idempotency.IsDuplicate(err) { // the same request is being answered at this moment
		return Proposal{}, false, fault.New(fault.Unavailable)
	}
	return kept, replayed, err
}

// LookupProposal returns the proposal that a request was answered with; ok is false when the request is new.
func LookupProposal(ctx context.Context, pool *pgxpool.Pool, req idempotency.Request) (p Proposal, ok bool, err error) {
	err = pg.InTenant(ctx, pool, tenant, func(ctx context.Context, tx pgx.Tx) error {
		id, known, err := req.Lookup(ctx, tx, tenant)
		if err != nil || !known {
			return err
		}
		ok = true
		p, err = getProposal(ctx, tx, id, selectProposal)
		return err
	})
	return p, ok, err
}

// Decision is what a second person says about a proposal.
type Decision struct {
	ProposalID string
	Version    int64
	Approve    bool
	Note       string
	DecidedBy  Actor
	// Scope of who decides: nobody decides on what they do not see.
	Scope     entry.VisibilityScope
	DecidedAt time.Time
	// Today is the day in Europe/Rome, ISO 8601.
	Today string
	// Cached is what was read before, at whatever revision: what has not changed since is not read again.
	Cached Snapshot
}

// Decide keeps a decision, once per request, and makes what was approved current if its day has come.
func Decide(ctx context.Context, pool *pgxpool.Pool, d Decision, req idempotency.Request, check ValidateFunc) (p Proposal, replayed bool, err error) {
	err = pg.InTenant(ctx, pool, tenant, func(ctx context.Context, tx pgx.Tx) error {
		// The lock comes first, so that a repeated request waits for the first one and then finds its answer.
		if p, err = getProposal(ctx, tx, d.ProposalID, selectProposalForUpdate); err != nil {
			return err
		}
		if slices.ContainsFunc(p.GetChanges(), func(c *directoryv1.PlannedChange) bool { return !d.Scope.Includes(c.GetEntry()) }) {
			return fault.New(fault.NotFound)
		}
		id, known, err := req.Lookup(ctx, tx, tenant)
		if err != nil || known {
			if replayed = known; known && id != d.ProposalID {
				return fault.New(fault.RequestIDReused)
			}
			return err
		}
		switch {
		case p.GetVersion() != d.Version:
			return fault.New(fault.WrongVersion).WithMeta("current_version", strconv.FormatInt(p.GetVersion(), 10))
		case p.GetState() != directoryv1.ProposalState_PROPOSAL_STATE_PENDING:
			return fault.New(fault.ForbiddenMove)
		case p.ProposedBy.Person == d.DecidedBy.Person:
			return fault.New(reason.SecondPersonNeeded)
		}
		p.decidedBy, p.DecidedAt, p.Note = d.DecidedBy, timestamppb.New(d.DecidedAt), d.Note
		switch {
		case !d.Approve:
			p.State = directoryv1.ProposalState_PROPOSAL_STATE_REJECTED
		case p.GetEffectiveOn() > d.Today:
			p.State = directoryv1.ProposalState_PROPOSAL_STATE_SCHEDULED
		default:
			if _, err := apply(ctx, tx, p, d.Cached, check, d.DecidedAt); err != nil {
				return err
			}
		}
		b := &pgx.Batch{}
		req.Queue(b, tenant, p.GetProposalId(), d.DecidedAt)
		queueDecided(b, p)
		return tx.SendBatch(ctx, b).Close()
	})
	return p, replayed, err
}

const lockDueProposal = `
	select proposal_id from proposal where state = 'SCHEDULED' and effective_on <= $1::text::date
	order by effective_on, seq limit 1 for update skip locked`

// ApplyDue makes the proposals current whose day has come, each for itself, and returns how many it dealt with. One that no
// longer fits what is current becomes a conflict.
func ApplyDue(ctx context.Context, pool *pgxpool.Pool, today string, now time.Time, check ValidateFunc) (n int, err error) {
	var read Snapshot
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
			p, err := getProposal(ctx, tx, id, selectProposalForUpdate)
			if err != nil {
				return err
			}
			read, err = apply(ctx, tx, p, read, check, now)
			if fault.Is(err, fault.WrongVersion) || fault.Is(err, fault.InvalidRequest) {
				p.State, err = directoryv1.ProposalState_PROPOSAL_STATE_CONFLICT, nil
			}
			if err != nil {
				return err
			}
			b := &pgx.Batch{}
			queueDecided(b, p)
			return tx.SendBatch(ctx, b).Close()
		})
		if err != nil || done {
			return n, pg.ToFault(err)
		}
		n++
	}
}

const (
	lockRevision   = `select revision from directory_state for update`
	updateRevision = `update directory_state set revision = $1, updated_at = $2`
)

// apply makes the entries of a proposal current, when each is still what the change was based on, and returns what was current
// before. The revision stays locked until the transaction ends, so what is checked is exactly what will be current.
func apply(ctx context.Context, tx pgx.Tx, p Proposal, read Snapshot, check ValidateFunc, now time.Time) (Snapshot, error) {
	var revision int64
	if err := tx.QueryRow(ctx, lockRevision).Scan(&revision); err != nil {
		return Snapshot{}, fmt.Errorf("lock directory: %w", err)
	}
	if read.Revision > revision { // the database was put back to an earlier state
		read = Snapshot{}
	}
	c, err := loadSnapshot(ctx, tx, read)
	if err != nil {
		return Snapshot{}, err
	}
	entries, rest, err := placed(p.GetChanges(), c.Entries)
	if err != nil {
		return c, err
	}
	if err := check(entries, rest); err != nil {
		return c, err
	}
	b := &pgx.Batch{}
	if slices.ContainsFunc(entries, entry.IsHidden) { // they stand apart in their proposals
		revision = beyond(revision, p.GetChanges())
		b.Queue(notifyReload)
	} else {
		revision++
		b.Queue(updateRevision, revision, now)
		b.Queue(notifyChange)
	}
	for _, e := range entries {
		if err := queueEntry(b, e, revision, false, now); err != nil {
			return c, err
		}
	}
	p.State, p.Revision = directoryv1.ProposalState_PROPOSAL_STATE_APPLIED, revision
	return c, tx.SendBatch(ctx, b).Close()
}

// beyond is the revision of a change of hidden entries: above all that there is, and not counted, since a number that nobody
// can see would tell that there is something hidden. The next change of what is public has it too.
func beyond(revision int64, changes []*directoryv1.PlannedChange) int64 {
	for _, c := range changes {
		revision = max(revision, c.GetBaseRevision())
	}
	return revision + 1
}

// placed returns the entries of changes, and the current ones that stay as they are. It refuses a change that is based on
// another state than the current one.
func placed(changes []*directoryv1.PlannedChange, current []*directoryv1.Entry) (entries, rest []*directoryv1.Entry, err error) {
	base := make(map[entry.Ref]int64, len(changes))
	for _, change := range changes {
		entries = append(entries, change.GetEntry())
		base[entry.RefOf(change.GetEntry())] = 0 // there is none
	}
	for _, e := range current {
		if _, changes := base[entry.RefOf(e)]; changes {
			base[entry.RefOf(e)] = e.GetRevision()
			continue
		}
		rest = append(rest, e)
	}
	for _, change := range changes {
		if ref := entry.RefOf(change.GetEntry()); base[ref] != change.GetBaseRevision() {
			return nil, nil, fault.New(fault.WrongVersion).WithMeta("entry", string(ref)).WithMeta("current_version", strconv.FormatInt(base[ref], 10))
		}
	}
	return entries, rest, nil
}

const updateProposal = `
	update proposal set version = $2, state = $3, decider_person = $4, decider_node = $5, decider_system = $6,
	decided_at = $7, note = $8, revision = $9 where proposal_id = $1`

func queueDecided(b *pgx.Batch, p Proposal) {
	p.Version++
	b.Queue(updateProposal, p.GetProposalId(), p.GetVersion(), stateName(p.GetState()), p.decidedBy.Person, p.decidedBy.Node, p.decidedBy.System,
		p.GetDecidedAt().AsTime(), p.GetNote(), p.GetRevision())
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func optional(day string) *string {
	if day == "" {
		return nil
	}
	return &day
}
