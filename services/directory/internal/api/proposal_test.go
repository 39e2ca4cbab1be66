package api_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
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

// Ensure a change that one person proposes and another approves becomes current, with its history.
func TestChange(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	editor, publisher := env.editor(t), env.publisher(t, "paola")
	req := changeRequest(withPhone("0372 1"), 1)

	changed := []string{"phones[0].number"}
	validateOnly := proto.CloneOf(req)
	validateOnly.ValidateOnly = true
	planned, err := editor.ProposeChanges(t.Context(), validateOnly)
	if err != nil || planned.GetProposal().GetProposalId() != "" ||
		!slices.Equal(changed, planned.GetProposal().GetChanges()[0].GetChangedFields()) {
		t.Fatal(planned, err)
	}
	proposed, err := editor.ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := editor.ProposeChanges(t.Context(), req)
	if err != nil || !again.GetReplayed() ||
		again.GetProposal().GetProposalId() != proposed.GetProposal().GetProposalId() {
		t.Errorf("the same request: %v, %v", again, err)
	}
	other := proto.CloneOf(req)
	other.Reason = "altro"
	_, err = editor.ProposeChanges(t.Context(), other)
	assertFault(t, err, fault.RequestIDReused)

	get := &directoryv1.GetOfficeRequest{OfficeId: "sportello"}
	if got, err := editor.GetOffice(t.Context(), get); err != nil || len(got.GetOffice().GetPhones()) != 0 {
		t.Errorf("before the decision: %v, %v", got, err)
	}
	_, err = env.publisher(t, "elena").DecideProposal(t.Context(), approval(proposed))
	assertFault(t, err, reason.SecondPersonNeeded)
	_, err = editor.DecideProposal(t.Context(), approval(proposed))
	assertFault(t, err, fault.NotAllowed)

	decision := approval(proposed)
	decided, err := publisher.DecideProposal(t.Context(), decision)
	applied := directoryv1.ProposalState_PROPOSAL_STATE_APPLIED
	if err != nil || decided.GetProposal().GetState() != applied || decided.GetProposal().GetRevision() != 2 {
		t.Fatal(decided, err)
	}
	if again, err := publisher.DecideProposal(t.Context(), decision); err != nil || !again.GetReplayed() {
		t.Errorf("the same decision: %v, %v", again, err)
	}
	_, err = publisher.DecideProposal(t.Context(), decideRequest(decided.GetProposal(), reject))
	assertFault(t, err, fault.ForbiddenMove)

	env.waitForRevision(t, 2)
	history, err := editor.ListEntryHistory(t.Context(),
		&directoryv1.ListEntryHistoryRequest{Kind: "office", Id: "sportello"})
	if err != nil || len(history.GetStates()) != 2 ||
		!slices.Equal(changed, history.GetStates()[0].GetChangedFields()) {
		t.Errorf("history: %v, %v", history, err)
	}
	got, err := editor.GetOffice(t.Context(), get)
	if err != nil || got.GetOffice().GetPhones()[0].GetNumber() != "0372 1" {
		t.Errorf("after the decision: %v, %v", got, err)
	}
	late, err := editor.ProposeChanges(t.Context(), req)
	if err != nil || !late.GetReplayed() || late.GetProposal().GetState() != applied {
		t.Errorf("the same request after the decision: %v, %v", late, err)
	}
	unchanged, err := editor.ProposeChanges(t.Context(), changeRequest(withPhone("0372 1"), 2))
	if err != nil || unchanged.GetProposal() != nil {
		t.Errorf("a proposal that changes nothing: %v, %v", unchanged, err)
	}
	_, err = editor.ProposeChanges(t.Context(), changeRequest(withPhone("0372 2"), 1))
	assertFault(t, err, fault.WrongVersion)

	listed, err := publisher.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{State: applied})
	if err != nil || len(listed.GetProposals()) != 1 {
		t.Fatalf("listed: %v, %v", listed, err)
	}
	if p := listed.GetProposals()[0]; p.GetOwn() || p.GetProposedFor() != "centre" ||
		p.GetProposedForRegion() != "all" || p.GetNote() != "visto" {
		t.Errorf("listed: %v", p)
	}
}

// Ensure only the first of two proposals for the same state becomes current.
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

// Ensure a scheduled change is applied on its day, and one that is outdated by then becomes a conflict.
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
	applyDue := func(today string) (int, error) {
		return store.ApplyDue(t.Context(), env.pool, today, tuesday, env.server.ValidateEntries)
	}
	if n, err := applyDue("2026-11-30"); n != 0 || err != nil {
		t.Errorf("%d proposals applied before their day, %v", n, err)
	}
	if n, err := applyDue("2026-12-01"); n != 2 || err != nil {
		t.Errorf("%d proposals processed on their day, %v", n, err)
	}
	env.waitForRevision(t, 2)
	listed, err := publisher.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
	if err != nil || len(listed.GetProposals()) != 2 {
		t.Fatal(listed, err)
	}
	first, second := listed.GetProposals()[1].GetState(), listed.GetProposals()[0].GetState()
	if first != directoryv1.ProposalState_PROPOSAL_STATE_APPLIED ||
		second != directoryv1.ProposalState_PROPOSAL_STATE_CONFLICT {
		t.Errorf("first %s, second %s", first, second)
	}
}

func TestServer_ProposeChanges_RefusesInvalid(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	type request = directoryv1.ProposeChangesRequest
	for _, c := range []struct {
		name   string
		spoil  func(*request)
		fields []string
	}{
		{"telephone with letters", func(r *request) { withPhone("0372 CALL")(r.GetEntries()[0].GetOffice()) },
			[]string{"entries[0].office.phones[0].number BAD_FORMAT"}},
		{"unknown node", func(r *request) { r.GetEntries()[0].GetOffice().Node = "lodi" },
			[]string{"entries[0].office.node UNKNOWN_ENTRY"}},
		{"no content", func(r *request) { r.GetEntries()[0].Content = nil }, []string{"entries[0].content REQUIRED"}},
		{"duplicate entry", func(r *request) { r.Entries = append(r.Entries, r.GetEntries()[0]) },
			[]string{"entries[1].content NOT_UNIQUE"}},
		{"all problems at once", func(r *request) {
			o := r.GetEntries()[0].GetOffice()
			withPhone("0372 CALL")(o)
			o.Node, o.Kind, o.Hours[0].Closes = "lodi", "DESCK", "08:00"
		}, []string{
			"entries[0].office.phones[0].number BAD_FORMAT", "entries[0].office.kind UNKNOWN_CODE",
			"entries[0].office.hours[0].closes CLOSES_BEFORE_OPENS", "entries[0].office.node UNKNOWN_ENTRY",
		}},
		{"effective in the past", func(r *request) { r.EffectiveOn = "2026-11-23" },
			[]string{"effective_on PAST_DATE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := changeRequest(withPhone("0372 1"), 1)
			c.spoil(req)
			_, err := env.editor(t).ProposeChanges(t.Context(), req)
			assertFault(t, err, fault.InvalidRequest, c.fields...)
		})
	}
	t.Run("an entry of another node", func(t *testing.T) {
		t.Parallel()
		req := changeRequest(withPhone("0372 1"), 1)
		_, err := env.clientAs(t, "ugo", "piemonte/cuneo/editor", "piemonte", "cuneo").ProposeChanges(t.Context(), req)
		assertFault(t, err, fault.WrongNode)
	})
	t.Run("moving an entry to the own node", func(t *testing.T) {
		t.Parallel()
		req := changeRequest(func(o *directoryv1.Office) { o.Region, o.Node = "piemonte", "cuneo" }, 1)
		_, err := env.clientAs(t, "ugo", "piemonte/cuneo/editor", "piemonte", "cuneo").ProposeChanges(t.Context(), req)
		assertFault(t, err, fault.WrongNode)
	})
	t.Run("moving an entry to another node", func(t *testing.T) {
		t.Parallel()
		req := changeRequest(func(o *directoryv1.Office) { o.Region, o.Node = "piemonte", "cuneo" }, 1)
		client := env.clientAs(t, "ugo", "lombardia/cremona/editor", "lombardia", "cremona")
		_, err := client.ProposeChanges(t.Context(), req)
		assertFault(t, err, fault.WrongNode)
	})
	t.Run("a caller who is no editor", func(t *testing.T) {
		t.Parallel()
		req := changeRequest(withPhone("0372 1"), 1)
		_, err := env.clientAs(t, "ugo", "all/centre/analyst", "all", "centre").ProposeChanges(t.Context(), req)
		assertFault(t, err, fault.NotAllowed)
	})
	page, err := env.editor(t).ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
	if err != nil || len(page.GetProposals()) != 0 {
		t.Errorf("stored: %v, %v", page, err)
	}
}

// Ensure only publishers of the centre decide on proposals, of public entries too.
func TestServer_DecideProposal_RefusesOtherNodes(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	proposed, err := env.editor(t).ProposeChanges(t.Context(), changeRequest(withPhone("0372 1"), 1))
	if err != nil {
		t.Fatal(err)
	}
	publisher := env.clientAs(t, "nora", "lombardia/cremona/publisher", "lombardia", "cremona")
	_, err = publisher.DecideProposal(t.Context(), approval(proposed))
	assertFault(t, err, fault.WrongNode)
}

func TestServer_ListProposals_RefusesBadPageToken(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	entries, err := env.editor(t).ListEntries(t.Context(), &directoryv1.ListEntriesRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	notAnID := base64.RawURLEncoding.EncodeToString([]byte("1\nproposals PROPOSAL_STATE_UNSPECIFIED\nx"))
	for _, token := range []string{"%%%", entries.GetNextPageToken(), notAnID} {
		_, err := env.editor(t).ListProposals(t.Context(), &directoryv1.ListProposalsRequest{PageToken: token})
		assertFault(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	}
}

// Ensure a node's copy refuses history, proposals and decisions, which only the centre has.
func TestServer_RefusesAtCopies(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	editor, publisher := env.editor(t), env.publisher(t, "paola")
	proposed, err := editor.ProposeChanges(t.Context(), changeRequest(withPhone("0372 1"), 1))
	if err != nil {
		t.Fatal(err)
	}
	env.server.ConfirmedAt = func() time.Time { return tuesday.Add(-time.Minute) }
	_, err = editor.ProposeChanges(t.Context(), changeRequest(withPhone("0372 2"), 1))
	assertFault(t, err, reason.AtTheCentreOnly)
	_, err = publisher.DecideProposal(t.Context(), approval(proposed))
	assertFault(t, err, reason.AtTheCentreOnly)
	_, err = editor.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
	assertFault(t, err, reason.AtTheCentreOnly)
	_, err = editor.ListEntryHistory(t.Context(), &directoryv1.ListEntryHistoryRequest{Kind: "office", Id: "sportello"})
	assertFault(t, err, reason.AtTheCentreOnly)
	got, err := editor.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "sportello"})
	if f := got.GetFreshness(); err != nil || !f.GetCopy() || f.GetAgeSeconds() != 60 {
		t.Errorf("freshness %v, %v", f, err)
	}
}

// Ensure loading the same files again keeps an applied proposal, and other files cannot silently overwrite it.
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
	by := func(person string) store.Actor {
		return store.Actor{Person: person, Tenant: tenant.Centre, System: "console"}
	}
	proposal := store.Proposal{ProposedBy: by("elena"), Proposal: &directoryv1.Proposal{
		ProposalId: uuid.NewString(), Version: 1, Reason: "prova", ProposedAt: timestamppb.New(tuesday),
		Changes: []*directoryv1.PlannedChange{{Entry: files("2")[0], BaseRevision: 1}},
	}}
	request := idempotency.Request{Key: []byte(uuid.NewString()), Method: "p", BodyHash: []byte("p")}
	if _, _, err := store.InsertProposal(t.Context(), pool, proposal, request); err != nil {
		t.Fatal(err)
	}
	decision := store.Decision{
		ProposalID: proposal.GetProposalId(), Version: 1, Approve: true,
		DecidedBy: by("paola"), DecidedAt: tuesday, Today: "2026-11-24",
		MayDecide: func(*directoryv1.Entry) bool { return true },
	}
	valid := func([]*directoryv1.Entry, []*directoryv1.Entry) error { return nil }
	request = idempotency.Request{Key: []byte(uuid.NewString()), Method: "d", BodyHash: []byte("d")}
	if _, _, err := store.Decide(t.Context(), pool, decision, request, valid); err != nil {
		t.Fatal(err)
	}
	loaded, err := store.Load(t.Context(), db.OwnerURL, officeLists(), files("1"), tuesday)
	if err != nil || len(loaded.Entries) != 0 {
		t.Errorf("the same files: %+v, %v", loaded, err)
	}
	_, err = store.Load(t.Context(), db.OwnerURL, officeLists(), files("3"), tuesday)
	if err == nil || !strings.Contains(err.Error(), "office/sportello was changed by a proposal") {
		t.Errorf("other files: %v", err)
	}
	loaded, err = store.Load(t.Context(), db.OwnerURL, officeLists(), files("2"), tuesday)
	if err != nil || len(loaded.Entries) != 0 {
		t.Errorf("files that include the change: %+v, %v", loaded, err)
	}
	states, err := store.ListHistory(t.Context(), pool, "office/sportello", 10)
	if err != nil || len(states) != 2 || states[0].GetOffice().GetPhones()[0].GetNumber() != "2" {
		t.Errorf("history %v, %v", states, err)
	}
}
