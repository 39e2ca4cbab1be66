package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const (
	lockRevision   = `select revision from directory_state for update`
	updateRevision = `update directory_state set revision = $1, updated_at = $2`
)

// apply makes the entries of a proposal current and returns the snapshot from before, even with an error, for the next
// call. It returns the fault WRONG_VERSION when an entry has changed since the proposal. The lock on the revision lasts
// until the transaction ends, so validate sees exactly the directory that becomes current.
func apply(
	ctx context.Context, tx pgx.Tx, p Proposal, cached Snapshot, validate ValidateFunc, now time.Time,
) (Snapshot, error) {
	var revision int64
	if err := tx.QueryRow(ctx, lockRevision).Scan(&revision); err != nil {
		return Snapshot{}, fmt.Errorf("lock directory: %w", err)
	}
	if cached.Revision > revision { // the database was restored from a backup
		cached = Snapshot{}
	}
	before, err := loadSnapshot(ctx, tx, cached)
	if err != nil {
		return Snapshot{}, err
	}
	entries, rest, err := resolveChanges(p.GetChanges(), before.Entries)
	if err != nil {
		return before, err
	}
	if err := validate(entries, rest); err != nil {
		return before, err
	}
	b := &pgx.Batch{}
	if slices.ContainsFunc(entries, entry.IsHidden) { // then all are hidden: such a proposal contains nothing else
		revision = hiddenRevision(revision, p.GetChanges())
		b.Queue(notifyReload)
	} else {
		revision++
		b.Queue(updateRevision, revision, now)
		b.Queue(notifyChange)
	}
	for _, e := range entries {
		if err := queueEntry(b, e, revision, false, now); err != nil {
			return before, err
		}
	}
	p.State, p.Revision = directoryv1.ProposalState_PROPOSAL_STATE_APPLIED, revision
	return before, tx.SendBatch(ctx, b).Close()
}

// hiddenRevision returns the revision for a change of hidden entries. It is higher than all revisions of these entries
// and of the directory. The directory keeps its own revision, because a gap in the public revisions would reveal that
// something hidden has changed. The next public change gets the same number.
func hiddenRevision(revision int64, changes []*directoryv1.PlannedChange) int64 {
	for _, c := range changes {
		revision = max(revision, c.GetBaseRevision())
	}
	return revision + 1
}

// resolveChanges returns the entries of changes, and the current entries that do not change. It returns the fault
// WRONG_VERSION when a change is not based on the current state of its entry.
func resolveChanges(
	changes []*directoryv1.PlannedChange, current []*directoryv1.Entry,
) (entries, rest []*directoryv1.Entry, err error) {
	revisions := make(map[entry.Ref]int64, len(changes)) // 0 for a new entry
	for _, c := range changes {
		entries = append(entries, c.GetEntry())
		revisions[entry.RefOf(c.GetEntry())] = 0
	}
	for _, e := range current {
		if _, ok := revisions[entry.RefOf(e)]; ok {
			revisions[entry.RefOf(e)] = e.GetRevision()
			continue
		}
		rest = append(rest, e)
	}
	for _, c := range changes {
		ref := entry.RefOf(c.GetEntry())
		if revision := revisions[ref]; revision != c.GetBaseRevision() {
			return nil, nil, fault.New(fault.WrongVersion).WithMeta("entry", string(ref)).
				WithMeta("current_version", strconv.FormatInt(revision, 10))
		}
	}
	return entries, rest, nil
}
