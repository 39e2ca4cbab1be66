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

func proposing(id string, contents ...proto.Message) *directoryv1.ProposeChangesRequest {
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

// Ensure the people who need a hidden office propose it, decide on it and find it, each of them marked as such, and that
// nobody else hears of it on the way.
func TestHidden_Life(t *testing.T) {
	t.Parallel()
	w := editLoaded(t, richer(), common("1"))
	editor := w.person(t, "elena", "lombardia/cremona/editor", "lombardia", "cremona")
	publisher, other := w.publisher(t, "paola"), w.person(t, "olga", "piemonte/cuneo/editor", "piemonte", "cuneo")
	worker := w.person(t, "ciro", "lombardia/cremona/case_worker", "lombardia", "cremona")

	request := proposing("77777777-7777-4777-8777-777777777777", refuge(shelter, "cremona"))
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
	neighbour := w.person(t, "nora", "lombardia/cremona/publisher", "lombardia", "cremona")
	_, err = neighbour.DecideProposal(t.Context(), decide(proposed.GetProposal(), yes))
	refused(t, err, fault.WrongNode)
	_, err = w.person(t, "rita", "lombardia/centre/publisher", "all", "centre").DecideProposal(t.Context(), decide(proposed.GetProposal(), yes))
	refused(t, err, fault.NotFound)
	if _, err := publisher.DecideProposal(t.Context(), decide(proposed.GetProposal(), yes)); err != nil {
		t.Fatal(err)
	}
	<-w.shown

	found, err := worker.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{Territory: "019035", Languages: []string{"AR"}})
	if err != nil || len(found.GetMatches()) == 0 || found.GetMatches()[0].GetOffice().GetOfficeId() != shelter || found.GetFreshness().GetRevision() != 2 {
		t.Fatalf("its case worker finds %v, %v", found, err)
	}
	if diff := cmp.Diff([]string{"TERRITORY", "LANGUAGE"}, found.GetMatches()[0].GetReasons()); diff != "" {
		t.Error(diff)
	}
	got, err := worker.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter})
	if err != nil || got.GetOffice().GetVisibility() != directoryv1.Visibility_VISIBILITY_HIDDEN || !got.GetOpenState().GetOpen() {
		t.Errorf("its case worker gets %v, %v", got, err)
	}
	_, err = other.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter})
	refused(t, err, fault.NotFound)
	if seen, err := other.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{Territory: "019035"}); err != nil || seen.GetFreshness().GetRevision() != 1 ||
		slices.ContainsFunc(seen.GetMatches(), func(m *directoryv1.OfficeMatch) bool { return m.GetOffice().GetOfficeId() == shelter }) {
		t.Errorf("an editor elsewhere finds %v, %v", seen, err)
	}
	again, err := other.ProposeChanges(t.Context(), request)
	refused(t, err, fault.WrongNode)
	if again != nil {
		t.Errorf("the request of the editor tells another one %v", again)
	}

	// Nobody can count what they do not see: the next public change has the next number.
	public := sportello()
	public.Phones = []*directoryv1.Phone{{Number: "0372 2"}}
	w.change(t, public, 1)
	w.until(t, 2)
	seen, err := other.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "sportello"})
	if err != nil || seen.GetFreshness().GetRevision() != 2 {
		t.Errorf("after a hidden and a public change an editor elsewhere is at %v, %v", seen.GetFreshness(), err)
	}
	// And a hidden office goes on changing, above both.
	moved := refuge(shelter, "cremona")
	moved.Phones = []*directoryv1.Phone{{Number: "0372 3"}}
	if got := w.change(t, moved, 2); got.GetProposal().GetRevision() != 3 {
		t.Errorf("the second change of the hidden office has revision %d", got.GetProposal().GetRevision())
	}
	<-w.shown
	// It stays with its node: another would hear of it before it is theirs.
	away := proposing(uuid.NewString(), refuge(shelter, "cuneo"))
	away.Entries[0].Revision = 3
	_, err = w.editor(t).ProposeChanges(t.Context(), away)
	refused(t, err, fault.InvalidRequest, "entries[0].office.node HIDDEN_ALONE")
	if got, err := worker.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter}); err != nil || got.GetOffice().GetPhones()[0].GetNumber() != "0372 3" {
		t.Errorf("its case worker gets %v, %v", got, err)
	}
}

// change proposes a change of an office as an editor of the centre and approves it.
func (w *edited) change(t *testing.T, o *directoryv1.Office, revision int64) *directoryv1.DecideProposalResponse {
	t.Helper()
	req := proposing(uuid.NewString(), o)
	req.Entries[0].Revision = revision
	proposed, err := w.editor(t).ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	decided, err := w.publisher(t, "paola").DecideProposal(t.Context(), decide(proposed.GetProposal(), yes))
	if err != nil {
		t.Fatal(err)
	}
	return decided
}

// Ensure hidden offices are proposed apart: the reason, the state and the day of a proposal are told to all who see a part.
func TestHidden_Alone(t *testing.T) {
	t.Parallel()
	w := editLoaded(t, richer(), common("1"))
	centre := w.editor(t)
	for _, c := range []struct {
		name     string
		contents []proto.Message
		fields   []string
	}{
		{"beside a public entry", []proto.Message{hall("sala-2", "office/sportello"), refuge(shelter, "cremona")}, []string{"entries[1].office.visibility HIDDEN_ALONE"}},
		{"of two nodes", []proto.Message{refuge(shelter, "cremona"), refuge(elsewhere, "milano")},
			[]string{"entries[0].office.visibility HIDDEN_ALONE", "entries[1].office.visibility HIDDEN_ALONE"}},
		{"named by another entry", []proto.Message{hall("sala-2", "office/"+shelter)}, []string{"entries[0].room.office UNKNOWN_ENTRY"}},
		{"that was public", []proto.Message{refuge("sportello", "cremona")}, []string{"entries[0].office.office_id HIDDEN_ID"}},
	} {
		_, err := centre.ProposeChanges(t.Context(), proposing("88888888-8888-4888-8888-888888888888", c.contents...))
		refused(t, err, fault.InvalidRequest, c.fields...)
	}
	req := proposing("88888888-8888-4888-8888-888888888888", refuge(shelter, "cremona"), refuge(elsewhere, "cremona"))
	if _, err := centre.ProposeChanges(t.Context(), req); err != nil {
		t.Error("two of one node:", err)
	}
	_, err := w.person(t, "rita", "lombardia/centre/editor", "all", "centre").ProposeChanges(t.Context(), proposing("99999999-9999-4999-8999-999999999999", refuge(shelter, "cremona")))
	refused(t, err, fault.WrongNode)
}

// Ensure views of hidden offices cost nothing where there are none.
func TestHidden_CostsNothing(t *testing.T) {
	t.Parallel()
	_, server := open(t, desk("a", "cremona"))
	if !api.HasSingleView(server) {
		t.Error("without hidden offices there are several views")
	}
	show(t, server, desk("a", "cremona"), refuge(shelter, "cremona"))
	if api.HasSingleView(server) {
		t.Error("with a hidden office there is one view")
	}
}
