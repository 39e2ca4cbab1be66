package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
	"github.com/retepari/pari/services/directory/internal/store"
)

const (
	pending   = directoryv1.ProposalState_PROPOSAL_STATE_PENDING
	scheduled = directoryv1.ProposalState_PROPOSAL_STATE_SCHEDULED
	applied   = directoryv1.ProposalState_PROPOSAL_STATE_APPLIED
	rejected  = directoryv1.ProposalState_PROPOSAL_STATE_REJECTED
	conflict  = directoryv1.ProposalState_PROPOSAL_STATE_CONFLICT
)

func newRequest(method string) idempotency.Request {
	return idempotency.Request{Key: []byte(uuid.NewString()), Method: method, BodyHash: []byte("hash")}
}

// newProposal changes one entry, based on revision 1.
func newProposal(e *directoryv1.Entry) store.Proposal {
	return store.Proposal{
		Proposal: &directoryv1.Proposal{
			ProposalId: uuid.NewString(), Version: 1, State: pending, Reason: "test", ProposedAt: timestamppb.New(now),
			Changes: []*directoryv1.PlannedChange{{Entry: e, BaseRevision: 1}},
		},
		ProposedBy: store.Actor{Person: "elena", Tenant: tenant.Centre, System: "console"},
	}
}

func propose(t *testing.T, db pgtest.DB, p store.Proposal) store.Proposal {
	t.Helper()
	stored, _, err := store.InsertProposal(t.Context(), db.Pool(t), p, newRequest("propose"))
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// approval approves a proposal as another person who sees everything and may decide on it.
func approval(p store.Proposal) store.Decision {
	return store.Decision{
		ProposalID: p.GetProposalId(), Version: p.GetVersion(), Approve: true, DecidedAt: now, Today: "2026-11-24",
		DecidedBy: store.Actor{Person: "paola", Tenant: tenant.Centre, System: "console"},
		Scope:     entry.VisibilityScope{All: true},
		MayDecide: func(*directoryv1.Entry) bool { return true },
	}
}

func valid(_, _ []*directoryv1.Entry) error { return nil }

func decide(t *testing.T, db pgtest.DB, d store.Decision) (store.Proposal, error) {
	t.Helper()
	p, _, err := store.Decide(t.Context(), db.Pool(t), d, newRequest("decide"), valid)
	return p, err
}

func TestInsertProposal(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	pool, req := db.Pool(t), newRequest("propose")
	if _, found, err := store.LookupProposal(t.Context(), pool, req); err != nil || found {
		t.Errorf("a new request: found %v, %v", found, err)
	}
	first := newProposal(desk("a", "B"))
	if _, replayed, err := store.InsertProposal(t.Context(), pool, first, req); err != nil || replayed {
		t.Fatalf("replayed %v, %v", replayed, err)
	}
	second, replayed, err := store.InsertProposal(t.Context(), pool, newProposal(desk("a", "B")), req)
	if err != nil || !replayed || second.GetProposalId() != first.GetProposalId() {
		t.Errorf("the same request: %v, replayed %v, %v", second.Proposal, replayed, err)
	}
	stored, found, err := store.LookupProposal(t.Context(), pool, req)
	if err != nil || !found || stored.GetProposalId() != first.GetProposalId() || len(stored.GetChanges()) != 1 ||
		stored.ProposedBy != first.ProposedBy {
		t.Errorf("looked up %v, found %v, %v", stored, found, err)
	}
}

// Ensure concurrent calls with the same request store one proposal.
func TestInsertProposal_Concurrently(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	pool, req := db.Pool(t), newRequest("propose")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, _, err := store.InsertProposal(context.Background(), pool, newProposal(desk("a", "B")), req)
			if err != nil && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, _, err := store.ListProposals(t.Context(), pool, entry.VisibilityScope{}, 0, "", 10)
	if err != nil || len(all) != 1 {
		t.Errorf("%d proposals, %v, want 1", len(all), err)
	}
}

// Ensure only one of several concurrent decisions succeeds.
func TestDecide_Concurrently(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	pool, d := db.Pool(t), approval(propose(t, db, newProposal(desk("a", "B"))))
	d.Approve = false
	var decided atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, _, err := store.Decide(context.Background(), pool, d, newRequest("decide"), valid)
			if err == nil {
				decided.Add(1)
			} else if !fault.Is(err, fault.WrongVersion) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := decided.Load(); n != 1 {
		t.Errorf("%d decisions, want 1", n)
	}
}

func TestDecide_Refuses(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"), hiddenDesk("Rifugio"))
	public := propose(t, db, newProposal(desk("a", "B")))
	hidden := propose(t, db, newProposal(hiddenDesk("Casa")))
	done := propose(t, db, newProposal(desk("a", "C")))
	rejection := approval(done)
	rejection.Approve = false
	if _, err := decide(t, db, rejection); err != nil {
		t.Fatal(err)
	}
	stale := newProposal(desk("a", "D"))
	stale.Changes[0].BaseRevision = 7
	stale = propose(t, db, stale)
	created := newProposal(desk("new", "New"))
	created = propose(t, db, created)
	for _, c := range []struct {
		name     string
		proposal store.Proposal
		edit     func(*store.Decision)
		want     fault.Reason
	}{
		{"an unknown proposal", public, func(d *store.Decision) { d.ProposalID = uuid.NewString() }, fault.NotFound},
		{"a hidden one, without scope", hidden,
			func(d *store.Decision) { d.Scope = entry.VisibilityScope{} }, fault.NotFound},
		{"a hidden one of another node", hidden,
			func(d *store.Decision) { d.Scope = entry.VisibilityScope{Tenant: cuneo} }, fault.NotFound},
		{"another version", public, func(d *store.Decision) { d.Version = 2 }, fault.WrongVersion},
		{"a decided one", done, func(d *store.Decision) { d.Version = 2 }, fault.ForbiddenMove},
		{"the proposer", public, func(d *store.Decision) { d.DecidedBy.Person = "elena" }, reason.SecondPersonNeeded},
		{"another base revision", stale, func(*store.Decision) {}, fault.WrongVersion},
		{"an entry that does not exist", created, func(*store.Decision) {}, fault.WrongVersion},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := approval(c.proposal)
			c.edit(&d)
			if _, err := decide(t, db, d); !fault.Is(err, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Ensure a person decides only on proposals of which each entry is theirs, before and after the change.
func TestDecide_OfOtherEntries(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	cuneoDesk := desk("b", "B")
	cuneoDesk.GetOffice().Region = "piemonte"
	load(t, db, colours(red), desk("a", "A"), cuneoDesk)
	moved := desk("a", "A")
	moved.GetOffice().Region = "piemonte"
	both := newProposal(desk("a", "C"))
	both.Changes = append(both.Changes, newProposal(cuneoDesk).GetChanges()...)
	created := newProposal(desk("c", "C"))
	created.Changes[0].BaseRevision = 0
	over := func(regions ...string) func(*directoryv1.Entry) bool {
		return func(e *directoryv1.Entry) bool { return slices.Contains(regions, e.GetOffice().GetRegion()) }
	}
	for _, c := range []struct {
		name      string
		proposal  store.Proposal
		mayDecide func(*directoryv1.Entry) bool
		allowed   bool
	}{
		{"another region", newProposal(desk("a", "B")), over("piemonte"), false},
		{"out of another region", newProposal(moved), over("piemonte"), false},
		{"into another region", newProposal(moved), over("lombardia"), false},
		{"an entry beside", both, over("lombardia"), false},
		{"a new entry", created, over("lombardia"), true},
		{"both regions", newProposal(moved), over("lombardia", "piemonte"), true},
	} {
		p := propose(t, db, c.proposal)
		d := approval(p)
		d.MayDecide = c.mayDecide
		for _, approve := range []bool{true, false} {
			if d.Approve = approve; approve && c.allowed {
				continue // the entry would be another one for the next case
			}
			if _, err := decide(t, db, d); fault.Is(err, fault.WrongNode) == c.allowed {
				t.Errorf("%s, approve %t: %v", c.name, approve, err)
			}
		}
	}
}

// Ensure a repeated request finds its decision, and does not decide another proposal.
func TestDecide_Replayed(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	pool, req := db.Pool(t), newRequest("decide")
	p, other := propose(t, db, newProposal(desk("a", "B"))), propose(t, db, newProposal(desk("a", "C")))
	for _, want := range []bool{false, true} {
		got, replayed, err := store.Decide(t.Context(), pool, approval(p), req, valid)
		if err != nil || replayed != want || got.GetState() != applied || got.GetRevision() != 2 {
			t.Errorf("%v, replayed %v, %v", got.Proposal, replayed, err)
		}
	}
	_, _, err := store.Decide(t.Context(), pool, approval(other), req, valid)
	if !fault.Is(err, fault.RequestIDReused) {
		t.Errorf("another proposal: %v", err)
	}
	if s := next(t, watch(t, db)); s.Revision != 2 || s.Entries[0].GetOffice().GetName() != "B" {
		t.Errorf("revision %d with %v", s.Revision, s.Entries)
	}
}

// Ensure a refusal of validate changes nothing, and that validate sees the proposed entries and the rest.
func TestDecide_Validates(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"), desk("b", "B"))
	p := propose(t, db, newProposal(desk("a", "C")))
	invalid := errors.New("invalid")
	_, _, err := store.Decide(t.Context(), db.Pool(t), approval(p), newRequest("decide"),
		func(proposed, rest []*directoryv1.Entry) error {
			if len(proposed) != 1 || proposed[0].GetOffice().GetName() != "C" ||
				len(rest) != 1 || rest[0].GetId() != "b" {
				t.Errorf("proposed %v, rest %v", proposed, rest)
			}
			return invalid
		})
	if !errors.Is(err, invalid) {
		t.Errorf("got %v", err)
	}
	if s := next(t, watch(t, db)); s.Revision != 1 || s.Entries[0].GetOffice().GetName() != "A" {
		t.Errorf("revision %d with %v", s.Revision, s.Entries)
	}
}

// Ensure a snapshot from before the restore of a backup is not reused.
func TestDecide_WithACacheOfTheFuture(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"), desk("b", "B"))
	d := approval(propose(t, db, newProposal(desk("a", "C"))))
	d.Cached = store.Snapshot{Revision: 9, Entries: []*directoryv1.Entry{desk("lost", "Lost")}}
	validate := func(_, rest []*directoryv1.Entry) error {
		if len(rest) != 1 || rest[0].GetId() != "b" {
			t.Errorf("rest %v", rest)
		}
		return nil
	}
	if _, _, err := store.Decide(t.Context(), db.Pool(t), d, newRequest("decide"), validate); err != nil {
		t.Fatal(err)
	}
}

// Ensure a change of a hidden entry raises its own revision and not that of the directory.
func TestDecide_OfAHiddenEntry(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"), hiddenDesk("Rifugio"))
	snapshots := watch(t, db)
	next(t, snapshots)
	for revision := int64(1); revision < 3; revision++ {
		p := newProposal(hiddenDesk("Casa"))
		p.Changes[0].BaseRevision = revision
		got, err := decide(t, db, approval(propose(t, db, p)))
		if err != nil || got.GetRevision() != revision+1 {
			t.Fatalf("revision %d, %v, want %d", got.GetRevision(), err, revision+1)
		}
		if s := next(t, snapshots); s.Revision != 1 || s.Entries[1].GetRevision() != revision+1 {
			t.Errorf("the directory has revision %d, the entry %d", s.Revision, s.Entries[1].GetRevision())
		}
	}
}

// Ensure a proposal is applied on its day, becomes a conflict when it no longer fits, and waits after any other error.
func TestApplyDue(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"), desk("b", "B"))
	pool := db.Pool(t)
	schedule := func(e *directoryv1.Entry, day string) string {
		p := newProposal(e)
		p.EffectiveOn = day
		got, err := decide(t, db, approval(propose(t, db, p)))
		if err != nil || got.GetState() != scheduled {
			t.Fatalf("%v, %v", got.Proposal, err)
		}
		return p.GetProposalId()
	}
	first, second := schedule(desk("a", "Early"), "2026-12-01"), schedule(desk("a", "Late"), "2026-12-01")
	third, future := schedule(desk("b", "Invalid"), "2026-12-02"), schedule(desk("b", "Future"), "2026-12-04")
	fails := func(err error) store.ValidateFunc {
		return func(proposed, _ []*directoryv1.Entry) error {
			if proposed[0].GetId() == "b" {
				return err
			}
			return nil
		}
	}
	type states map[string]directoryv1.ProposalState
	for _, step := range []struct {
		today    string
		validate store.ValidateFunc
		applied  int
		failed   bool
		want     states
	}{
		{"2026-11-30", valid, 0, false,
			states{first: scheduled, second: scheduled, third: scheduled, future: scheduled}},
		{"2026-12-03", fails(errors.New("out of order")), 2, true,
			states{first: applied, second: conflict, third: scheduled, future: scheduled}},
		{"2026-12-03", fails(fault.New(fault.InvalidRequest)), 1, false,
			states{first: applied, second: conflict, third: conflict, future: scheduled}},
		{"2026-12-04", valid, 1, false,
			states{first: applied, second: conflict, third: conflict, future: applied}},
	} {
		n, err := store.ApplyDue(t.Context(), pool, step.today, now, step.validate)
		if n != step.applied || (err != nil) != step.failed {
			t.Errorf("%s: %d applied, %v", step.today, n, err)
		}
		all, _, err := store.ListProposals(t.Context(), pool, entry.VisibilityScope{}, 0, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		got := states{}
		for _, p := range all {
			got[p.GetProposalId()] = p.GetState()
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.today, diff)
		}
	}
}

func TestListProposals(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"), hiddenDesk("Rifugio"))
	pool := db.Pool(t)
	oldest, hidden := propose(t, db, newProposal(desk("a", "B"))), propose(t, db, newProposal(hiddenDesk("Casa")))
	newest := propose(t, db, newProposal(desk("a", "C")))
	d := approval(newest)
	d.Approve = false
	if p, err := decide(t, db, d); err != nil || p.GetState() != rejected {
		t.Fatal(p, err)
	}
	for _, c := range []struct {
		name  string
		scope entry.VisibilityScope
		state directoryv1.ProposalState
		after string
		limit int
		want  []string
		more  bool
	}{
		{"the public ones", entry.VisibilityScope{}, 0, "", 10, []string{"C", "B"}, false},
		{"for the own node", entry.VisibilityScope{Tenant: cremona}, 0, "", 10, []string{"C", "Casa", "B"}, false},
		{"for another node", entry.VisibilityScope{Tenant: cuneo}, 0, "", 10, []string{"C", "B"}, false},
		{"for a homonym", entry.VisibilityScope{Tenant: tenant.ID{Region: "piemonte", Node: "cremona"}},
			0, "", 10, []string{"C", "B"}, false},
		{"for everything", entry.VisibilityScope{All: true}, 0, "", 10, []string{"C", "Casa", "B"}, false},
		{"by state", entry.VisibilityScope{All: true}, pending, "", 10, []string{"Casa", "B"}, false},
		{"a first page", entry.VisibilityScope{All: true}, 0, "", 2, []string{"C", "Casa"}, true},
		{"a last page", entry.VisibilityScope{All: true}, 0, hidden.GetProposalId(), 1, []string{"B"}, false},
		{"after the oldest", entry.VisibilityScope{All: true}, 0, oldest.GetProposalId(), 1, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page, more, err := store.ListProposals(t.Context(), pool, c.scope, c.state, c.after, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range page {
				got = append(got, p.GetChanges()[0].GetEntry().GetOffice().GetName())
			}
			if diff := cmp.Diff(c.want, got); diff != "" || more != c.more {
				t.Errorf("more %v (-want +got):\n%s", more, diff)
			}
		})
	}
}

// Ensure a page of large proposals ends early.
func TestListProposals_OfLargeProposals(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	for range 3 {
		e := desk("a", "B")
		e.GetOffice().Description = strings.Repeat("x", 3<<19)
		propose(t, db, newProposal(e))
	}
	page, more, err := store.ListProposals(t.Context(), db.Pool(t), entry.VisibilityScope{}, 0, "", 10)
	if err != nil || len(page) != 2 || !more {
		t.Errorf("%d proposals, more %v, %v; want 2 and more", len(page), more, err)
	}
}
