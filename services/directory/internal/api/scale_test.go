package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// deskOf is an office as large as those of the network: hours, telephones, an address and services.
func newLargeDesk(i int) *directoryv1.Office {
	o := newDesk(fmt.Sprintf("desk-%04d", i), fmt.Sprintf("node-%03d", i%100))
	o.Source, o.Territories = "prova", []string{"019036"}
	o.Addresses = []*directoryv1.Address{{Street: "piazza del Comune, 8", Postcode: "26100", Municipality: "019036"}}
	o.Phones = []*directoryv1.Phone{{Number: "0372 1", Label: "centralino"}, {Number: "0372 2", Hours: []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "12:00"}}}}
	o.Hours = nil
	for day := int32(1); day <= 5; day++ {
		o.Hours = append(o.Hours, &directoryv1.Hours{Weekday: day, Opens: "09:00", Closes: "13:00"})
	}
	o.Services = nil
	for _, s := range services[:4] {
		o.Services = append(o.Services, &directoryv1.Service{Type: s, AccessModes: []string{"DESK", "PHONE"}})
	}
	return o
}

// crowd is a hundred nodes and many offices.
func newLargeContents(tb testing.TB, offices int) (entries []*directoryv1.Entry) {
	tb.Helper()
	contents := make([]proto.Message, 0, offices+100)
	for i := range 100 {
		n := newNode(fmt.Sprintf("node-%03d", i))
		n.Territories = []*directoryv1.ServedTerritory{{Territory: fmt.Sprintf("%03d", i+1)}}
		contents = append(contents, n)
	}
	for i := range offices {
		contents = append(contents, newLargeDesk(i))
	}
	for _, m := range contents {
		e, err := entry.New(m)
		if err != nil {
			tb.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// editCrowd is a directory of many offices that people change.
func newLargeEnv(tb testing.TB, offices int) *testEnv {
	tb.Helper()
	lists, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		tb.Fatal(err)
	}
	db := pgtest.New(tb, "directory", store.Migrate)
	if _, err := store.Load(context.Background(), db.OwnerURL, lists, newLargeContents(tb, offices), tuesday); err != nil {
		tb.Fatal(err)
	}
	return startEnv(tb, db)
}

// among proposes new offices from a number on, or with a revision other telephones for those that there are.
func bulkRequest(from, n int, revision int64) *directoryv1.ProposeChangesRequest {
	req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "prova"}
	for i := range n {
		o := newLargeDesk(from + i)
		o.Phones[0].Number = fmt.Sprintf("0372 %d", time.Now().UnixMilli())
		req.Entries = append(req.Entries, &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Content: &directoryv1.Entry_Office{Office: o}, Revision: revision})
	}
	return req
}

// BenchmarkChange proposes and approves on top of 4,000 offices: one change, and a whole network of 2,000 at once.
func BenchmarkChange(b *testing.B) {
	for _, size := range []int{1, 2000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			env := newLargeEnv(b, 4000)
			editor, publisher := env.editor(b), env.publisher(b, "paola")
			var proposeRequest, deciding time.Duration
			revision := int64(1)
			b.ResetTimer()
			for range b.N {
				from := time.Now()
				p, err := editor.ProposeChanges(context.Background(), bulkRequest(0, size, revision))
				if err != nil {
					b.Fatal(fault.FromStatus(err))
				}
				proposeRequest += time.Since(from)
				from = time.Now()
				if _, err = publisher.DecideProposal(context.Background(), decideRequest(p.GetProposal(), approve)); err != nil {
					b.Fatal(err)
				}
				deciding += time.Since(from)
				revision++
				env.waitForRevision(b, revision)
			}
			b.ReportMetric(float64(proposeRequest.Milliseconds())/float64(b.N), "propose-ms")
			b.ReportMetric(float64(deciding.Milliseconds())/float64(b.N), "decide-ms")
		})
	}
}

// Ensure a whole network can be proposed and approved at once, and that one entry more is told precisely.
func TestChange_WholeNetwork(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "tutta la rete"}
	for i := range 2000 {
		o := newSportello()
		o.OfficeId = fmt.Sprintf("sportello-%d", i)
		req.Entries = append(req.Entries, &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Content: &directoryv1.Entry_Office{Office: o}})
	}
	proposed, err := env.editor(t).ProposeChanges(t.Context(), req)
	if err != nil || len(proposed.GetProposal().GetChanges()) != 2000 {
		t.Fatalf("%d changes, %v", len(proposed.GetProposal().GetChanges()), err)
	}
	if _, err := env.publisher(t, "paola").DecideProposal(t.Context(), decideRequest(proposed.GetProposal(), approve)); err != nil {
		t.Fatal(err)
	}
	env.waitForRevision(t, 2)
	if _, err := env.editor(t).GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "sportello-1999"}); err != nil {
		t.Error(err)
	}
	o := newSportello()
	o.OfficeId = "sportello-2000"
	req.RequestId, req.Entries = uuid.NewString(), append(req.Entries, &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Content: &directoryv1.Entry_Office{Office: o}})
	_, err = env.editor(t).ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.InvalidRequest, "entries TOO_MANY")
	req.Entries[0].GetOffice().Description = strings.Repeat("x", api.MaxRequest)
	_, err = env.editor(t).ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.MessageTooLarge)
}

// Ensure entries that name each other in a circle go through together, and not one without the other.
func TestProposeChanges_Circle(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	lodi, act := newNode("lodi"), &directoryv1.Act{ActId: "delibera", Kind: directoryv1.ActKind_ACT_KIND_RESOLUTION, Title: "Delibera", About: []string{"node/lodi"}, Provenance: provenance()}
	lodi.Acts = []string{"act/delibera"}
	lodi.Territories = []*directoryv1.ServedTerritory{{Territory: "019036"}}
	entries := []*directoryv1.Entry{
		{Kind: "node", Id: "lodi", Content: &directoryv1.Entry_Node{Node: lodi}}, {Kind: "act", Id: "delibera", Content: &directoryv1.Entry_Act{Act: act}},
	}
	req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "nuovo nodo", Entries: entries[:1]}
	_, err := env.editor(t).ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.InvalidRequest, "entries[0].node.acts[0] UNKNOWN_ENTRY")
	req.RequestId, req.Entries = uuid.NewString(), entries
	proposed, err := env.editor(t).ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.publisher(t, "paola").DecideProposal(t.Context(), decideRequest(proposed.GetProposal(), approve)); err != nil {
		t.Error(err)
	}
}

func provenance() *directoryv1.Provenance { return &directoryv1.Provenance{Source: "prova"} }

// Ensure what has become current since a server last read is part of the check: of two nodes that were each alone with a
// territory when they were proposed, the second is refused, also by a server that has not heard of the first.
func TestDecide_ChecksWhatIsNewer(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	before := env.server.Snapshot()
	if before.Revision != 1 {
		t.Fatalf("revision %d was read", before.Revision)
	}
	var proposals []*directoryv1.Proposal
	for _, id := range []string{"cremona", "cuneo"} {
		n := newNode(id)
		n.Territories = []*directoryv1.ServedTerritory{{Territory: "019"}}
		p, err := env.editor(t).ProposeChanges(t.Context(), &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "territorio",
			Entries: []*directoryv1.Entry{{Kind: "node", Id: id, Content: &directoryv1.Entry_Node{Node: n}, Revision: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		proposals = append(proposals, p.GetProposal())
	}
	approve := func(p *directoryv1.Proposal) error {
		d := store.Decision{
			ProposalID: p.GetProposalId(), Version: 1, Approve: true, DecidedBy: store.Actor{Person: "paola", Node: "centre", System: "console"},
			DecidedAt: tuesday, Today: "2026-11-24", Cached: before,
		}
		_, _, err := store.Decide(t.Context(), env.pool, d, idempotency.Request{ID: uuid.NewString(), Method: "d", BodyHash: []byte("d")}, env.server.ValidateEntries)
		return err
	}
	if err := approve(proposals[0]); err != nil {
		t.Fatal(err)
	}
	assertFault(t, approve(proposals[1]), fault.InvalidRequest, "node/cremona.territories[0].territory TWO_ACTIVE_NODES", "node/cuneo.territories[0].territory TWO_ACTIVE_NODES")

	// A server that knows more than there is, because the database was put back, reads everything again.
	before.Revision, before.Entries = 99, nil
	assertFault(t, approve(proposals[1]), fault.InvalidRequest, "node/cremona.territories[0].territory TWO_ACTIVE_NODES", "node/cuneo.territories[0].territory TWO_ACTIVE_NODES")
}

// Ensure pages of large proposals end early, so that no answer is larger than a client takes.
func TestListProposals_LargePages(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for range 3 {
		req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "descrizioni"}
		for i := range 300 {
			o := newSportello()
			o.OfficeId, o.Description = fmt.Sprintf("sportello-%d", i), strings.Repeat("x", 4000)
			req.Entries = append(req.Entries, &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Content: &directoryv1.Entry_Office{Office: o}})
		}
		if _, err := env.editor(t).ProposeChanges(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	var pages []int
	list := &directoryv1.ListProposalsRequest{PageSize: 50}
	for {
		page, err := env.editor(t).ListProposals(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, len(page.GetProposals()))
		if list.PageToken = page.GetNextPageToken(); list.PageToken == "" {
			break
		}
	}
	if diff := cmp.Diff([]int{2, 1}, pages); diff != "" {
		t.Error(diff)
	}
}
