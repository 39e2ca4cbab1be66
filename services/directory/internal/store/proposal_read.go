package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const proposalColumns = `proposal_id, seq, version, state, reason, effective_on::text,
	proposer_person, proposer_node, proposer_system, proposed_at,
	decider_person, decider_node, decider_system, decided_at, note, revision`

// visibleToNode restricts the entries of proposals to those that a node may see: $5 is the node, "" is no node.
const visibleToNode = `e.content ->> 'visibility' is distinct from 'VISIBILITY_HIDDEN' or e.content ->> 'node' = $5`

// statePrefix begins the names of states in the contract; the database has them without it.
const statePrefix = "PROPOSAL_STATE_"

func stateName(s directoryv1.ProposalState) string {
	return strings.TrimPrefix(s.String(), statePrefix)
}

// maxPage is how many bytes of entries a page of proposals holds, if it holds more than one proposal.
const maxPage = 2 << 20

const selectProposals = `
	select ` + proposalColumns + ` from proposal p where ($1 = '' or state = $1)
	and ($2 = '' or seq < (select seq from proposal where proposal_id = $2::text::uuid))
	and exists (select from proposal_entry e where e.proposal_id = p.proposal_id and ($4 or ` + visibleToNode + `))
	order by seq desc limit $3`

// ListProposals returns up to limit proposals in which there is something to be seen, newest first, from the one after another on
// ("" for the newest), and whether more follow; the state unspecified is every state. They still hold all of their changes. A
// page of large proposals ends early.
func ListProposals(ctx context.Context, pool *pgxpool.Pool, scope entry.VisibilityScope, state directoryv1.ProposalState, after string, limit int) (page []Proposal, more bool, err error) {
	name := ""
	if state != directoryv1.ProposalState_PROPOSAL_STATE_UNSPECIFIED {
		name = stateName(state)
	}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectProposals, name, after, limit+1, scope.All, scope.Node)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[proposalRow])
		if err != nil {
			return err
		}
		size := 0
		for i, r := range found { // one by one: two hundred proposals of a whole network are too much at once
			if i == limit || size > maxPage {
				more = true
				return nil
			}
			p, read, err := withEntries(ctx, tx, r)
			if err != nil {
				return err
			}
			size += read
			page = append(page, p)
		}
		return nil
	})
	return page, more, pg.ToFault(err)
}

const (
	selectProposal          = `select ` + proposalColumns + ` from proposal where proposal_id = $1`
	selectProposalForUpdate = selectProposal + ` for update`
)

// getProposal reads one getProposal with a statement, or NOT_FOUND.
func getProposal(ctx context.Context, tx pgx.Tx, id, query string) (Proposal, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Proposal{}, err
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[proposalRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Proposal{}, fault.New(fault.NotFound)
	}
	if err != nil {
		return Proposal{}, err
	}
	p, _, err := withEntries(ctx, tx, found)
	return p, err
}

// proposalRow is a proposal as it lies in its table.
type proposalRow struct {
	ProposalID                                   string
	Seq, Version                                 int64
	State, Reason                                string
	EffectiveOn                                  *string
	ProposerPerson, ProposerNode, ProposerSystem string
	ProposedAt                                   time.Time
	DeciderPerson, DeciderNode, DeciderSystem    *string
	DecidedAt                                    *time.Time
	Note                                         string
	Revision                                     int64
}

func (r proposalRow) proposal() Proposal {
	p := Proposal{
		Proposal: &directoryv1.Proposal{
			ProposalId: r.ProposalID, Version: r.Version, State: directoryv1.ProposalState(directoryv1.ProposalState_value[statePrefix+r.State]),
			Reason: r.Reason, ProposedFor: r.ProposerNode, ProposedAt: timestamppb.New(r.ProposedAt), Note: r.Note, Revision: r.Revision,
		},
		ProposedBy: Actor{Person: r.ProposerPerson, Node: r.ProposerNode, System: r.ProposerSystem},
	}
	if r.EffectiveOn != nil {
		p.EffectiveOn = *r.EffectiveOn
	}
	if r.DecidedAt != nil {
		p.decidedBy = Actor{Person: *r.DeciderPerson, Node: *r.DeciderNode, System: *r.DeciderSystem}
		p.DecidedAt = timestamppb.New(*r.DecidedAt)
	}
	return p
}

const selectProposalEntries = `
	select kind, base_revision, changed_fields, content from proposal_entry where proposal_id = $1 order by kind, id`

// withEntries reads the entries of a proposal, and tells how many bytes they have.
func withEntries(ctx context.Context, tx pgx.Tx, found proposalRow) (p Proposal, size int, err error) {
	rows, err := tx.Query(ctx, selectProposalEntries, found.ProposalID)
	if err != nil {
		return Proposal{}, 0, err
	}
	p = found.proposal()
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
		p.Changes = append(p.Changes, &directoryv1.PlannedChange{Entry: e, BaseRevision: base, ChangedFields: slices.Clone(fields)})
		size += len(content)
		for _, f := range fields {
			size += len(f)
		}
		return nil
	})
	return p, size, err
}
