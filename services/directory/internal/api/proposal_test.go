package api_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// edited is a directory on Postgres that people change.
type testEnv struct {
	*rpctest.Server

	auth      *rpctest.World
	server    *api.Server
	pool      *pgxpool.Pool
	revisions chan int64
}

func officeLists() []vocabulary.List {
	return append(baseLists(), newList("office_kind", vocabulary.Term{Code: "DESK"}), newList("office_state", vocabulary.Term{Code: "ACTIVE"}),
		newList("service_type", vocabulary.Term{Code: "RECEPTION"}))
}

func newNode(id string) *directoryv1.Node {
	return &directoryv1.Node{
		NodeId: id, Name: id, Region: "lombardia", Level: directoryv1.NodeLevel_NODE_LEVEL_NODE, Stages: []*directoryv1.Stage{{State: "ACTIVE"}},
		Provenance: &directoryv1.Provenance{Source: "prova"},
	}
}

func newSportello() *directoryv1.Office {
	o := newDesk("sportello", "cremona")
	o.Source = "prova"
	return o
}

func newEnv(t *testing.T) *testEnv {
	t.Helper()
	return newEnvWith(t, officeLists(), []proto.Message{newNode("cremona"), newNode("cuneo"), newSportello()})
}

// eager are systems with roles that people have to see what is hidden.
var systemGrants = identity.Grants{
	rpctest.ID("lombardia", "cremona", "system", "robot").String(): {accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR, accessv1.Role_ROLE_EDITOR},
	rpctest.ID("all", "centre", "system", "robot").String():        {accessv1.Role_ROLE_EDITOR, accessv1.Role_ROLE_PUBLISHER},
}

// editLoaded is edit with other contents, loaded one after the other.
func newEnvWith(t *testing.T, lists []vocabulary.List, loads ...[]proto.Message) *testEnv {
	t.Helper()
	db := pgtest.New(t, "directory", store.Migrate)
	for _, load := range loads {
		var entries []*directoryv1.Entry
		for _, m := range load {
			e, err := entry.New(m)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		if _, err := store.Load(t.Context(), db.OwnerURL, lists, entries, tuesday); err != nil {
			t.Fatal(err)
		}
	}
	return startEnv(t, db)
}

// serve follows a database and takes calls about it.
func startEnv(t testing.TB, db pgtest.DB) *testEnv {
	t.Helper()
	env := &testEnv{auth: rpctest.NewWorld(t), pool: db.Pool(t), revisions: make(chan int64, 20)}
	env.server = api.New(func() time.Time { return tuesday }, env.pool, territoryIndex(t))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = store.Watch(ctx, env.pool, slog.New(slog.DiscardHandler), func(c store.Snapshot) {
			if err := env.server.SetSnapshot(c); err != nil {
				t.Error(err)
			}
			env.revisions <- c.Revision
		})
	}()
	t.Cleanup(func() { stop(); <-done })
	env.waitForRevision(t, 1)
	env.Server = env.auth.Start(t, rpc.Config{Service: "directory", Region: "all", Node: "centre", Vocabulary: env.server.Vocabulary, Grants: systemGrants, MaxRequest: api.MaxRequest},
		func(r grpc.ServiceRegistrar) { directoryv1.RegisterDirectoryServiceServer(r, env.server) })
	return env
}

// until waits until a revision is shown.
func (env *testEnv) waitForRevision(t testing.TB, revision int64) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case now := <-env.revisions:
			if now >= revision {
				return
			}
		case <-late:
			t.Fatalf("revision %d was not shown", revision)
		}
	}
}

func (env *testEnv) clientAs(t testing.TB, subject, grant, region, node string) directoryv1.DirectoryServiceClient {
	t.Helper()
	return directoryv1.NewDirectoryServiceClient(env.As(t, rpctest.ID(region, node, "system", "console"), env.auth.Token(t, subject, grant)))
}

func (env *testEnv) editor(t testing.TB) directoryv1.DirectoryServiceClient {
	t.Helper()
	return env.clientAs(t, "elena", "all/centre/editor", "all", "centre")
}

func (env *testEnv) publisher(t testing.TB, subject string) directoryv1.DirectoryServiceClient {
	t.Helper()
	return env.clientAs(t, subject, "all/centre/publisher", "all", "centre")
}

func changeRequest(spoil func(*directoryv1.Office), revision int64) *directoryv1.ProposeChangesRequest {
	o := newSportello()
	spoil(o)
	return &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "nuovo telefono",
		Entries: []*directoryv1.Entry{{Kind: "office", Id: "sportello", Content: &directoryv1.Entry_Office{Office: o}, Revision: revision}},
	}
}

func withPhone(number string) func(*directoryv1.Office) {
	return func(o *directoryv1.Office) { o.Phones = []*directoryv1.Phone{{Number: number}} }
}

func decideRequest(p *directoryv1.Proposal, d directoryv1.Decision) *directoryv1.DecideProposalRequest {
	return &directoryv1.DecideProposalRequest{RequestId: uuid.NewString(), ProposalId: p.GetProposalId(), Version: p.GetVersion(), Decision: d, Note: "visto"}
}

const (
	approve = directoryv1.Decision_DECISION_APPROVE
	reject  = directoryv1.Decision_DECISION_REJECT
)

// Ensure a change is one person's to propose and another's to approve, and is then current, with its history.
func TestChange(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	editor, publisher := env.editor(t), env.publisher(t, "paola")
	req := changeRequest(withPhone("0372 1"), 1)

	only := proto.CloneOf(req)
	only.ValidateOnly = true
	planned, err := editor.ProposeChanges(t.Context(), only)
	if err != nil || planned.GetProposal().GetProposalId() != "" || cmp.Diff([]string{"phones[0].number"}, planned.GetProposal().GetChanges()[0].GetChangedFields()) != "" {
		t.Fatal(planned, err)
	}
	proposed, err := editor.ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := editor.ProposeChanges(t.Context(), req)
	if err != nil || !again.GetReplayed() || again.GetProposal().GetProposalId() != proposed.GetProposal().GetProposalId() {
		t.Errorf("the same request: %v, %v", again, err)
	}
	other := proto.CloneOf(req)
	other.Reason = "altro"
	_, err = editor.ProposeChanges(t.Context(), other)
	assertFault(t, err, fault.RequestIDReused)

	if got, err := editor.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "sportello"}); err != nil || len(got.GetOffice().GetPhones()) != 0 {
		t.Errorf("before the decision: %v, %v", got, err)
	}
	_, err = env.publisher(t, "elena").DecideProposal(t.Context(), decideRequest(proposed.GetProposal(), approve))
	assertFault(t, err, reason.SecondPersonNeeded)
	_, err = editor.DecideProposal(t.Context(), decideRequest(proposed.GetProposal(), approve))
	assertFault(t, err, fault.NotAllowed)

	decision := decideRequest(proposed.GetProposal(), approve)
	decided, err := publisher.DecideProposal(t.Context(), decision)
	if err != nil || decided.GetProposal().GetState() != directoryv1.ProposalState_PROPOSAL_STATE_APPLIED || decided.GetProposal().GetRevision() != 2 {
		t.Fatal(decided, err)
	}
	if again, err := publisher.DecideProposal(t.Context(), decision); err != nil || !again.GetReplayed() {
		t.Errorf("the same decision: %v, %v", again, err)
	}
	_, err = publisher.DecideProposal(t.Context(), decideRequest(decided.GetProposal(), reject))
	assertFault(t, err, fault.ForbiddenMove)

	env.waitForRevision(t, 2)
	history, err := editor.ListEntryHistory(t.Context(), &directoryv1.ListEntryHistoryRequest{Kind: "office", Id: "sportello"})
	if err != nil || len(history.GetStates()) != 2 || cmp.Diff([]string{"phones[0].number"}, history.GetStates()[0].GetChangedFields()) != "" {
		t.Errorf("history: %v, %v", history, err)
	}
	if got, err := editor.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "sportello"}); err != nil || got.GetOffice().GetPhones()[0].GetNumber() != "0372 1" {
		t.Errorf("after the decision: %v, %v", got, err)
	}
	late, err := editor.ProposeChanges(t.Context(), req)
	if err != nil || !late.GetReplayed() || late.GetProposal().GetState() != directoryv1.ProposalState_PROPOSAL_STATE_APPLIED {
		t.Errorf("the same request after all: %v, %v", late, err)
	}
	same, err := editor.ProposeChanges(t.Context(), changeRequest(withPhone("0372 1"), 2))
	if err != nil || same.GetProposal() != nil {
		t.Errorf("what is so already: %v, %v", same, err)
	}
	_, err = editor.ProposeChanges(t.Context(), changeRequest(withPhone("0372 2"), 1))
	assertFault(t, err, fault.WrongVersion)

	listed, err := publisher.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{State: directoryv1.ProposalState_PROPOSAL_STATE_APPLIED})
	if err != nil || len(listed.GetProposals()) != 1 || listed.GetProposals()[0].GetOwn() || listed.GetProposals()[0].GetProposedFor() != "centre" || listed.GetProposals()[0].GetNote() != "visto" {
		t.Errorf("listed: %v, %v", listed, err)
	}
}

// Ensure of two proposals on the same state only the first becomes current.
func TestChange_Conflict(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	var proposals []*directoryv1.Proposal
	for _, number := range []string{"0372 1", "0372 2"} {
		p, err := env.editor(t).ProposeChanges(t.Context(), changeRequest(withPhone(number), 1))
		if err != nil {
			t.Fatal(err)
		}
		proposals = append(proposals, p.GetProposal())
	}
	publisher := env.publisher(t, "paola")
	if _, err := publisher.DecideProposal(t.Context(), decideRequest(proposals[0], approve)); err != nil {
		t.Fatal(err)
	}
	_, err := publisher.DecideProposal(t.Context(), decideRequest(proposals[1], approve))
	assertFault(t, err, fault.WrongVersion)
	rejected, err := publisher.DecideProposal(t.Context(), decideRequest(proposals[1], reject))
	if err != nil || rejected.GetProposal().GetState() != directoryv1.ProposalState_PROPOSAL_STATE_REJECTED {
		t.Errorf("%v, %v", rejected, err)
	}
}

// Ensure a scheduled change waits for its day, and one that no longer fits on its day is a conflict.
func TestChange_Scheduled(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	publisher := env.publisher(t, "paola")
	for _, number := range []string{"0372 1", "0372 2"} {
		req := changeRequest(withPhone(number), 1)
		req.EffectiveOn = "2026-12-01"
		p, err := env.editor(t).ProposeChanges(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		decided, err := publisher.DecideProposal(t.Context(), decideRequest(p.GetProposal(), approve))
		if err != nil || decided.GetProposal().GetState() != directoryv1.ProposalState_PROPOSAL_STATE_SCHEDULED {
			t.Fatal(decided, err)
		}
	}
	if n, err := store.ApplyDue(t.Context(), env.pool, "2026-11-30", tuesday, env.server.ValidateEntries); n != 0 || err != nil {
		t.Errorf("%d were applied before their day, %v", n, err)
	}
	if n, err := store.ApplyDue(t.Context(), env.pool, "2026-12-01", tuesday, env.server.ValidateEntries); n != 2 || err != nil {
		t.Errorf("%d were dealt with on their day, %v", n, err)
	}
	env.waitForRevision(t, 2)
	listed, err := publisher.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
	if err != nil || len(listed.GetProposals()) != 2 {
		t.Fatal(listed, err)
	}
	if second, first := listed.GetProposals()[0], listed.GetProposals()[1]; first.GetState() != directoryv1.ProposalState_PROPOSAL_STATE_APPLIED ||
		second.GetState() != directoryv1.ProposalState_PROPOSAL_STATE_CONFLICT {
		t.Errorf("first %s, second %s", first.GetState(), second.GetState())
	}
}

func TestProposeChanges_Refuses(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for _, c := range []struct {
		name   string
		spoil  func(*directoryv1.ProposeChangesRequest)
		reason fault.Reason
		fields []string
	}{
		{"telephone with letters", func(r *directoryv1.ProposeChangesRequest) { withPhone("0372 CALL")(r.GetEntries()[0].GetOffice()) }, fault.InvalidRequest, []string{"entries[0].office.phones[0].number BAD_FORMAT"}},
		{"unknown node", func(r *directoryv1.ProposeChangesRequest) { r.GetEntries()[0].GetOffice().Node = "lodi" }, fault.InvalidRequest, []string{"entries[0].office.node UNKNOWN_ENTRY"}},
		{"nothing in it", func(r *directoryv1.ProposeChangesRequest) { r.GetEntries()[0].Content = nil }, fault.InvalidRequest, []string{"entries[0].content REQUIRED"}},
		{"twice", func(r *directoryv1.ProposeChangesRequest) { r.Entries = append(r.Entries, r.GetEntries()[0]) }, fault.InvalidRequest, []string{"entries[1].content NOT_UNIQUE"}},
		{"everything at once, whatever finds it", func(r *directoryv1.ProposeChangesRequest) {
			o := r.GetEntries()[0].GetOffice()
			withPhone("0372 CALL")(o)
			o.Node, o.Kind, o.Hours[0].Closes = "lodi", "DESCK", "08:00"
		}, fault.InvalidRequest, []string{
			"entries[0].office.phones[0].number BAD_FORMAT", "entries[0].office.kind UNKNOWN_CODE",
			"entries[0].office.hours[0].closes CLOSES_BEFORE_OPENS", "entries[0].office.node UNKNOWN_ENTRY",
		}},
		{"yesterday", func(r *directoryv1.ProposeChangesRequest) { r.EffectiveOn = "2026-11-23" }, fault.InvalidRequest, []string{"effective_on PAST_DATE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := changeRequest(withPhone("0372 1"), 1)
			c.spoil(req)
			_, err := env.editor(t).ProposeChanges(t.Context(), req)
			assertFault(t, err, c.reason, c.fields...)
		})
	}
	t.Run("an entry of another node", func(t *testing.T) {
		t.Parallel()
		_, err := env.clientAs(t, "ugo", "piemonte/cuneo/editor", "piemonte", "cuneo").ProposeChanges(t.Context(), changeRequest(withPhone("0372 1"), 1))
		assertFault(t, err, fault.WrongNode)
	})
	t.Run("taking an entry to another node", func(t *testing.T) {
		t.Parallel()
		req := changeRequest(func(o *directoryv1.Office) { o.Node = "cuneo" }, 1)
		_, err := env.clientAs(t, "ugo", "piemonte/cuneo/editor", "piemonte", "cuneo").ProposeChanges(t.Context(), req)
		assertFault(t, err, fault.WrongNode)
	})
	t.Run("somebody who is no editor", func(t *testing.T) {
		t.Parallel()
		_, err := env.clientAs(t, "ugo", "all/centre/analyst", "all", "centre").ProposeChanges(t.Context(), changeRequest(withPhone("0372 1"), 1))
		assertFault(t, err, fault.NotAllowed)
	})
	if page, err := env.editor(t).ListProposals(t.Context(), &directoryv1.ListProposalsRequest{}); err != nil || len(page.GetProposals()) != 0 {
		t.Errorf("kept: %v, %v", page, err)
	}
}

// Ensure loading the files again leaves a change by a proposal alone, and that files cannot undo it unseen.
func TestChange_AndLoad(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "directory", store.Migrate)
	files := func(number string) []*directoryv1.Entry {
		o := newSportello()
		withPhone(number)(o)
		e, err := entry.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return []*directoryv1.Entry{e}
	}
	if _, err := store.Load(t.Context(), db.OwnerURL, officeLists(), files("1"), tuesday); err != nil {
		t.Fatal(err)
	}
	pool := db.Pool(t)
	by := func(person string) store.Actor { return store.Actor{Person: person, Node: "centre", System: "console"} }
	p := store.Proposal{ProposedBy: by("elena"), Proposal: &directoryv1.Proposal{
		ProposalId: uuid.NewString(), Version: 1, Reason: "prova", ProposedAt: timestamppb.New(tuesday),
		Changes: []*directoryv1.PlannedChange{{Entry: files("2")[0], BaseRevision: 1}},
	}}
	fits := func([]*directoryv1.Entry, []*directoryv1.Entry) error { return nil }
	if _, _, err := store.InsertProposal(t.Context(), pool, p, idempotency.Request{ID: uuid.NewString(), Method: "p", BodyHash: []byte("p")}); err != nil {
		t.Fatal(err)
	}
	d := store.Decision{ProposalID: p.GetProposalId(), Version: 1, Approve: true, DecidedBy: by("paola"), DecidedAt: tuesday, Today: "2026-11-24"}
	if _, _, err := store.Decide(t.Context(), pool, d, idempotency.Request{ID: uuid.NewString(), Method: "d", BodyHash: []byte("d")}, fits); err != nil {
		t.Fatal(err)
	}
	if loaded, err := store.Load(t.Context(), db.OwnerURL, officeLists(), files("1"), tuesday); err != nil || len(loaded.Entries) != 0 {
		t.Errorf("the same files: %+v, %v", loaded, err)
	}
	if _, err := store.Load(t.Context(), db.OwnerURL, officeLists(), files("3"), tuesday); err == nil || !strings.Contains(err.Error(), "office/sportello was changed by a proposal") {
		t.Errorf("other files: %v", err)
	}
	if loaded, err := store.Load(t.Context(), db.OwnerURL, officeLists(), files("2"), tuesday); err != nil || len(loaded.Entries) != 0 {
		t.Errorf("files that took the change in: %+v, %v", loaded, err)
	}
	states, err := store.ListHistory(t.Context(), pool, "office/sportello", 10)
	if err != nil || len(states) != 2 || states[0].GetOffice().GetPhones()[0].GetNumber() != "2" {
		t.Errorf("history %v, %v", states, err)
	}
}
