package api_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
)

func proposeRequest(id string, contents ...proto.Message) *directoryv1.ProposeChangesRequest {
	req := &directoryv1.ProposeChangesRequest{RequestId: id, Reason: "nuovo rifugio"}
	for _, c := range contents {
		e, err := entry.New(c)
		if err != nil {
			panic(err)
		}
		req.Entries = append(req.Entries, e)
	}
	return req
}

// Ensure a hidden office can be proposed, approved and found by authorized people, and by nobody else at any step.
func TestHidden_Lifecycle(t *testing.T) {
	t.Parallel()
	env := newEnvWith(t, hiddenLists(), publicContents("1"))
	editor := env.clientAs(t, "elena", "lombardia/cremona/editor", "lombardia", "cremona")
	publisher := env.publisher(t, "paola")
	other := env.clientAs(t, "olga", "piemonte/cuneo/editor", "piemonte", "cuneo")
	worker := env.clientAs(t, "ciro", "lombardia/cremona/case_worker", "lombardia", "cremona")

	request := proposeRequest("77777777-7777-4777-8777-777777777777", newHiddenOffice(shelter, "cremona"))
	proposed, err := editor.ProposeChanges(t.Context(), request)
	if err != nil || len(proposed.GetProposal().GetChanges()) != 1 {
		t.Fatalf("%v, %v", proposed, err)
	}
	for _, c := range []struct {
		name   string
		client directoryv1.DirectoryServiceClient
		want   int
	}{{"the editor", editor, 1}, {"a publisher of the centre", publisher, 1}, {"an editor elsewhere", other, 0}} {
		listed, err := c.client.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
		if err != nil || len(listed.GetProposals()) != c.want {
			t.Errorf("%s sees %d proposals, %v", c.name, len(listed.GetProposals()), err)
		}
	}
	neighbour := env.clientAs(t, "nora", "lombardia/cremona/publisher", "lombardia", "cremona")
	_, err = neighbour.DecideProposal(t.Context(), approval(proposed))
	assertFault(t, err, fault.WrongNode)
	regional := env.clientAs(t, "rita", "lombardia/centre/publisher", "all", "centre")
	_, err = regional.DecideProposal(t.Context(), approval(proposed))
	assertFault(t, err, fault.NotFound)
	if _, err := publisher.DecideProposal(t.Context(), approval(proposed)); err != nil {
		t.Fatal(err)
	}
	<-env.revisions

	found, err := worker.FindOffices(t.Context(),
		&directoryv1.FindOfficesRequest{Territory: "019035", Languages: []string{"AR"}})
	if err != nil || len(found.GetMatches()) == 0 ||
		found.GetMatches()[0].GetOffice().GetOfficeId() != shelter || found.GetFreshness().GetRevision() != 2 {
		t.Fatalf("its case worker finds %v, %v", found, err)
	}
	if diff := cmp.Diff([]string{"TERRITORY", "LANGUAGE"}, found.GetMatches()[0].GetReasons()); diff != "" {
		t.Error(diff)
	}
	got, err := worker.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter})
	hidden := got.GetOffice().GetVisibility() == directoryv1.Visibility_VISIBILITY_HIDDEN
	if err != nil || !hidden || !got.GetOpenState().GetOpen() {
		t.Errorf("its case worker gets %v, %v", got, err)
	}
	_, err = other.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter})
	assertFault(t, err, fault.NotFound)
	isShelter := func(m *directoryv1.OfficeMatch) bool { return m.GetOffice().GetOfficeId() == shelter }
	elsewhere, err := other.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{Territory: "019035"})
	if err != nil || elsewhere.GetFreshness().GetRevision() != 1 ||
		slices.ContainsFunc(elsewhere.GetMatches(), isShelter) {
		t.Errorf("an editor elsewhere finds %v, %v", elsewhere, err)
	}
	again, err := other.ProposeChanges(t.Context(), request)
	assertFault(t, err, fault.WrongNode)
	if again != nil {
		t.Errorf("the request ID of the editor reveals to another one %v", again)
	}

	// Revisions do not reveal hidden changes: the next public change gets the next public revision.
	public := newSportello()
	public.Phones = []*directoryv1.Phone{{Number: "0372 2"}}
	env.applyChange(t, public, 1)
	env.waitForRevision(t, 2)
	seen, err := other.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "sportello"})
	if err != nil || seen.GetFreshness().GetRevision() != 2 {
		t.Errorf("after a hidden and a public change an editor elsewhere is at %v, %v", seen.GetFreshness(), err)
	}
	// The next hidden change gets a revision above both.
	moved := newHiddenOffice(shelter, "cremona")
	moved.Phones = []*directoryv1.Phone{{Number: "0372 3"}}
	if got := env.applyChange(t, moved, 2); got.GetProposal().GetRevision() != 3 {
		t.Errorf("the second change of the hidden office has revision %d", got.GetProposal().GetRevision())
	}
	<-env.revisions
	// A hidden office cannot move to another node, which would learn of it before the approval.
	away := proposeRequest(uuid.NewString(), newHiddenOffice(shelter, "cuneo"))
	away.Entries[0].Revision = 3
	_, err = env.editor(t).ProposeChanges(t.Context(), away)
	assertFault(t, err, fault.InvalidRequest, "entries[0].office.node HIDDEN_ALONE")
	got, err = worker.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter})
	if err != nil || got.GetOffice().GetPhones()[0].GetNumber() != "0372 3" {
		t.Errorf("its case worker gets %v, %v", got, err)
	}
}

// applyChange proposes a change of an office as an editor of the centre and approves it.
func (env *testEnv) applyChange(
	t *testing.T, o *directoryv1.Office, revision int64,
) *directoryv1.DecideProposalResponse {
	t.Helper()
	req := proposeRequest(uuid.NewString(), o)
	req.Entries[0].Revision = revision
	proposed, err := env.editor(t).ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	decided, err := env.publisher(t, "paola").DecideProposal(t.Context(), approval(proposed))
	if err != nil {
		t.Fatal(err)
	}
	return decided
}

// Ensure a proposal of hidden offices holds nothing else: its reason, state and date are visible to all who see a part.
func TestHidden_ProposedAlone(t *testing.T) {
	t.Parallel()
	env := newEnvWith(t, hiddenLists(), publicContents("1"))
	centre := env.editor(t)
	for _, c := range []struct {
		name     string
		contents []proto.Message
		fields   []string
	}{
		{"beside a public entry",
			[]proto.Message{newRoom("sala-2", "office/sportello"), newHiddenOffice(shelter, "cremona")},
			[]string{"entries[1].office.visibility HIDDEN_ALONE"}},
		{"of two nodes", []proto.Message{newHiddenOffice(shelter, "cremona"), newHiddenOffice(otherShelter, "milano")},
			[]string{"entries[0].office.visibility HIDDEN_ALONE", "entries[1].office.visibility HIDDEN_ALONE"}},
		{"referred to by another entry", []proto.Message{newRoom("sala-2", "office/"+shelter)},
			[]string{"entries[0].room.office UNKNOWN_ENTRY"}},
		{"that was public", []proto.Message{newHiddenOffice("sportello", "cremona")},
			[]string{"entries[0].office.office_id HIDDEN_ID"}},
	} {
		req := proposeRequest("88888888-8888-4888-8888-888888888888", c.contents...)
		_, err := centre.ProposeChanges(t.Context(), req)
		assertFault(t, err, fault.InvalidRequest, c.fields...)
	}
	req := proposeRequest("88888888-8888-4888-8888-888888888888",
		newHiddenOffice(shelter, "cremona"), newHiddenOffice(otherShelter, "cremona"))
	if _, err := centre.ProposeChanges(t.Context(), req); err != nil {
		t.Error("two of one node:", err)
	}
	req = proposeRequest("99999999-9999-4999-8999-999999999999", newHiddenOffice(shelter, "cremona"))
	_, err := env.clientAs(t, "rita", "lombardia/centre/editor", "all", "centre").ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.WrongNode)
}

// Ensure a directory without hidden offices has a single view.
func TestServer_SetSnapshot_SingleView(t *testing.T) {
	t.Parallel()
	_, server := newClient(t, newDesk("a", "cremona"))
	if !api.HasSingleView(server) {
		t.Error("without hidden offices there are several views")
	}
	setSnapshot(t, server, newDesk("a", "cremona"), newHiddenOffice(shelter, "cremona"))
	if api.HasSingleView(server) {
		t.Error("with a hidden office there is one view")
	}
}
