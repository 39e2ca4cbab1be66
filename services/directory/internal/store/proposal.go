package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
)

// Actor is the person who proposes or decides. It is stored with the proposal for audits and never leaves the database.
type Actor struct {
	Person string
	Tenant tenant.ID
	System string
}

// Proposal is a proposal with the people who made and decided it.
type Proposal struct {
	*directoryv1.Proposal

	ProposedBy Actor
	decidedBy  Actor
}

const insertProposal = `
	insert into proposal (
		proposal_id, reason, effective_on, proposer_person, proposer_tenant, proposer_system, proposed_at
	)
	values ($1, $2, $3::text::date, $4, $5, $6, $7)`

const insertProposalEntry = `
	insert into proposal_entry (proposal_id, kind, id, base_revision, changed_fields, content)
	values ($1, $2, $3, $4, $5, $6)`

// InsertProposal stores a proposal, once per request. With replayed it returns the proposal that an earlier call
// stored. It returns the fault UNAVAILABLE while another call with the same request runs.
func InsertProposal(
	ctx context.Context, pool *pgxpool.Pool, p Proposal, req idempotency.Request,
) (stored Proposal, replayed bool, err error) {
	err = pg.InTenant(ctx, pool, tenant.Centre, func(ctx context.Context, tx pgx.Tx) error {
		id, found, err := req.Lookup(ctx, tx, tenant.Centre)
		if err != nil {
			return err
		}
		if found {
			replayed = true
			stored, err = getProposal(ctx, tx, id, selectProposal)
			return err
		}
		b := &pgx.Batch{}
		req.Queue(b, tenant.Centre, p.GetProposalId(), p.GetProposedAt().AsTime())
		if err := queueProposal(b, p); err != nil {
			return err
		}
		stored = p
		return tx.SendBatch(ctx, b).Close()
	})
	if idempotency.IsDuplicate(err) {
		return Proposal{}, false, fault.New(fault.Unavailable)
	}
	return stored, replayed, err
}

func queueProposal(b *pgx.Batch, p Proposal) error {
	by := p.ProposedBy
	b.Queue(insertProposal, p.GetProposalId(), p.GetReason(), nullIfEmpty(p.GetEffectiveOn()),
		by.Person, by.Tenant, by.System, p.GetProposedAt().AsTime())
	for _, c := range p.GetChanges() {
		e := c.GetEntry()
		content, err := entry.Marshal(e)
		if err != nil {
			return fmt.Errorf("%s: %w", entry.RefOf(e), err)
		}
		fields := append([]string{}, c.GetChangedFields()...) // never nil: the column has no nulls
		b.Queue(insertProposalEntry, p.GetProposalId(), e.GetKind(), e.GetId(), c.GetBaseRevision(), fields, content)
	}
	return nil
}

func nullIfEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// LookupProposal returns the proposal that an earlier call with the same request stored; found is false for a new
// request.
func LookupProposal(
	ctx context.Context, pool *pgxpool.Pool, req idempotency.Request,
) (p Proposal, found bool, err error) {
	err = pg.InTenant(ctx, pool, tenant.Centre, func(ctx context.Context, tx pgx.Tx) error {
		var id string
		if id, found, err = req.Lookup(ctx, tx, tenant.Centre); err != nil || !found {
			return err
		}
		p, err = getProposal(ctx, tx, id, selectProposal)
		return err
	})
	return p, found, err
}

const proposalColumns = `proposal_id, seq, version, state, reason, effective_on::text,
	proposer_person, proposer_tenant, proposer_system, proposed_at,
	decider_person, decider_tenant, decider_system, decided_at, note, revision`

const (
	selectProposal          = `select ` + proposalColumns + ` from proposal where proposal_id = $1`
	selectProposalForUpdate = selectProposal + ` for update`
)

// getProposal reads a proposal with one of the two statements above. It returns the fault NOT_FOUND for an unknown one.
func getProposal(ctx context.Context, tx pgx.Tx, id, query string) (Proposal, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Proposal{}, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[proposalRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Proposal{}, fault.New(fault.NotFound)
	}
	if err != nil {
		return Proposal{}, err
	}
	p, _, err := withChanges(ctx, tx, row)
	return p, err
}

// proposalRow is a row of the table proposal.
type proposalRow struct {
	ProposalID                     string
	Seq, Version                   int64
	State, Reason                  string
	EffectiveOn                    *string
	ProposerPerson, ProposerSystem string
	ProposerTenant                 tenant.ID
	ProposedAt                     time.Time
	DeciderPerson, DeciderSystem   *string
	DeciderTenant                  *tenant.ID
	DecidedAt                      *time.Time
	Note                           string
	Revision                       int64
}

func (r proposalRow) proposal() Proposal {
	p := Proposal{
		Proposal: &directoryv1.Proposal{
			ProposalId: r.ProposalID, Version: r.Version, State: parseState(r.State), Reason: r.Reason,
			ProposedFor: r.ProposerTenant.Node, ProposedForRegion: r.ProposerTenant.Region,
			ProposedAt: timestamppb.New(r.ProposedAt), Note: r.Note, Revision: r.Revision,
		},
		ProposedBy: Actor{Person: r.ProposerPerson, Tenant: r.ProposerTenant, System: r.ProposerSystem},
	}
	if r.EffectiveOn != nil {
		p.EffectiveOn = *r.EffectiveOn
	}
	if r.DecidedAt != nil {
		p.decidedBy = Actor{Person: *r.DeciderPerson, Tenant: *r.DeciderTenant, System: *r.DeciderSystem}
		p.DecidedAt = timestamppb.New(*r.DecidedAt)
	}
	return p
}

// statePrefix begins the names of states in the contract. The database stores them without it.
const statePrefix = "PROPOSAL_STATE_"

func stateName(s directoryv1.ProposalState) string {
	return strings.TrimPrefix(s.String(), statePrefix)
}

func parseState(name string) directoryv1.ProposalState {
	return directoryv1.ProposalState(directoryv1.ProposalState_value[statePrefix+name])
}

const selectProposalEntries = `
	select kind, base_revision, changed_fields, content from proposal_entry where proposal_id = $1 order by kind, id`

// withChanges reads the changes of a proposal and returns their size in bytes.
func withChanges(ctx context.Context, tx pgx.Tx, row proposalRow) (p Proposal, size int, err error) {
	rows, err := tx.Query(ctx, selectProposalEntries, row.ProposalID)
	if err != nil {
		return Proposal{}, 0, err
	}
	p = row.proposal()
	var (
		kind    string
		base    int64
		fields  []string
		content []byte
	)
	_, err = pgx.ForEachRow(rows, []any{&kind, &base, &fields, &content}, func() error {
		e, err := entry.Unmarshal(kind, content)
		if err != nil {
			return err
		}
		change := &directoryv1.PlannedChange{Entry: e, BaseRevision: base, ChangedFields: slices.Clone(fields)}
		p.Changes = append(p.Changes, change)
		size += len(content)
		for _, f := range fields {
			size += len(f)
		}
		return nil
	})
	return p, size, err
}
