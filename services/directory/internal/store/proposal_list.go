package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// maxPageBytes ends a page of proposals early. A page holds at least one proposal, whatever its size.
const maxPageBytes = 2 << 20

// selectProposals selects the proposals in which a node sees at least one entry, newest first. $2 sees all entries, $3
// is the state or "", $4 is the proposal before the page or "".
const selectProposals = `
	select ` + proposalColumns + ` from proposal p where ($3 = '' or state = $3)
	and ($4 = '' or seq < (select seq from proposal where proposal_id = $4::text::uuid))
	and exists (select from proposal_entry e where e.proposal_id = p.proposal_id and ($2 or ` + visibleToTenant + `))
	order by seq desc limit $5`

// ListProposals returns a page of up to limit proposals with at least one visible change, newest first, and whether
// more follow. The page begins after the proposal with the ID after, or with the newest one if after is "". The
// unspecified state selects all states. The proposals contain all of their changes: the caller removes the hidden ones.
func ListProposals(
	ctx context.Context, pool *pgxpool.Pool, scope entry.VisibilityScope,
	state directoryv1.ProposalState, after string, limit int,
) (page []Proposal, more bool, err error) {
	name := ""
	if state != directoryv1.ProposalState_PROPOSAL_STATE_UNSPECIFIED {
		name = stateName(state)
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectProposals, textOf(scope.Tenant), scope.All, name, after, limit+1)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[proposalRow])
		if err != nil {
			return err
		}
		size := 0
		for i, row := range found { // one query each: a page of large proposals does not fit in memory
			if i == limit || size > maxPageBytes {
				more = true
				return nil
			}
			p, n, err := withChanges(ctx, tx, row)
			if err != nil {
				return err
			}
			size += n
			page = append(page, p)
		}
		return nil
	})
	return page, more, pg.ToFault(err)
}
