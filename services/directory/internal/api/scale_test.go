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
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// newLargeDesk returns an office of realistic size, with hours, telephones, an address and services.
func newLargeDesk(i int) *directoryv1.Office {
	o := newDesk(fmt.Sprintf("desk-%04d", i), fmt.Sprintf("node-%03d", i%100))
	o.Source, o.Territories = "prova", []string{"019036"}
	o.Addresses = []*directoryv1.Address{{Street: "piazza del Comune, 8", Postcode: "26100", Municipality: "019036"}}
	o.Phones = []*directoryv1.Phone{
		{Number: "0372 1", Label: "centralino"},
		{Number: "0372 2", Hours: []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "12:00"}}},
	}
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

// newLargeContents returns the entries of a hundred nodes and many offices.
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

// newLargeEnv returns an environment with many offices.
func newLargeEnv(tb testing.TB, offices int) *testEnv {
	tb.Helper()
	lists, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		tb.Fatal(err)
	}
	db := pgtest.New(tb, "directory", store.Migrate)
	entries := newLargeContents(tb, offices)
	if _, err := store.Load(context.Background(), db.OwnerURL, lists, entries, tuesday); err != nil {
		tb.Fatal(err)
	}
	return startEnv(tb, db)
}

// bulkRequest proposes n new offices from a number on or, with a revision, new telephone numbers for existing ones.
func bulkRequest(from, n int, revision int64) *directoryv1.ProposeChangesRequest {
	req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "prova"}
	for i := range n {
		o := newLargeDesk(from + i)
		o.Phones[0].Number = fmt.Sprintf("0372 %d", time.Now().UnixMilli())
		req.Entries = append(req.Entries, officeEntry(o, revision))
	}
	return req
}

// BenchmarkChange proposes and approves changes in a directory of 4,000 offices: one, and 2,000 at once.
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
				if _, err = publisher.DecideProposal(context.Background(), approval(p)); err != nil {
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

// Ensure a whole network can be proposed and approved at once, and that one more entry is refused.
func TestChange_WholeNetwork(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "tutta la rete"}
	for i := range 2000 {
		o := newSportello()
		o.OfficeId = fmt.Sprintf("sportello-%d", i)
		req.Entries = append(req.Entries, officeEntry(o, 0))
	}
	proposed, err := env.editor(t).ProposeChanges(t.Context(), req)
	if err != nil || len(proposed.GetProposal().GetChanges()) != 2000 {
		t.Fatalf("%d changes, %v", len(proposed.GetProposal().GetChanges()), err)
	}
	if _, err := env.publisher(t, "paola").DecideProposal(t.Context(), approval(proposed)); err != nil {
		t.Fatal(err)
	}
	env.waitForRevision(t, 2)
	get := &directoryv1.GetOfficeRequest{OfficeId: "sportello-1999"}
	if _, err := env.editor(t).GetOffice(t.Context(), get); err != nil {
		t.Error(err)
	}
	o := newSportello()
	o.OfficeId = "sportello-2000"
	req.RequestId, req.Entries = uuid.NewString(), append(req.Entries, officeEntry(o, 0))
	_, err = env.editor(t).ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.InvalidRequest, "entries TOO_MANY")
	req.Entries[0].GetOffice().Description = strings.Repeat("x", 4<<20)
	_, err = env.editor(t).ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.MessageTooLarge)
}

// Ensure entries that refer to each other are accepted together, but not one without the other.
func TestServer_ProposeChanges_CircularReferences(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	lodi := newNode("lodi")
	lodi.Acts = []string{"act/delibera"}
	lodi.Territories = []*directoryv1.ServedTerritory{{Territory: "019036"}}
	act := &directoryv1.Act{
		ActId: "delibera", Kind: directoryv1.ActKind_ACT_KIND_RESOLUTION, Title: "Delibera",
		About: []string{"node/lodi"}, Provenance: provenance(),
	}
	entries := []*directoryv1.Entry{newEntry(t, lodi), newEntry(t, act)}
	req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "nuovo nodo", Entries: entries[:1]}
	_, err := env.editor(t).ProposeChanges(t.Context(), req)
	assertFault(t, err, fault.InvalidRequest, "entries[0].node.acts[0] UNKNOWN_ENTRY")
	req.RequestId, req.Entries = uuid.NewString(), entries
	proposed, err := env.editor(t).ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.publisher(t, "paola").DecideProposal(t.Context(), approval(proposed)); err != nil {
		t.Error(err)
	}
}

func provenance() *directoryv1.Provenance { return &directoryv1.Provenance{Source: "prova"} }

// Ensure a decision validates against the latest entries, also on a server whose snapshot is older: of two nodes that
// are proposed for the same territory, the second is refused.
func TestChange_ValidatesAgainstLatest(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	cached := env.server.Snapshot()
	if cached.Revision != 1 {
		t.Fatalf("revision %d was loaded", cached.Revision)
	}
	var proposals []*directoryv1.Proposal
	for _, id := range []string{"cremona", "cuneo"} {
		n := newNode(id)
		n.Territories = []*directoryv1.ServedTerritory{{Territory: "019"}}
		e := newEntry(t, n)
		e.Revision = 1
		p, err := env.editor(t).ProposeChanges(t.Context(), &directoryv1.ProposeChangesRequest{
			RequestId: uuid.NewString(), Reason: "territorio", Entries: []*directoryv1.Entry{e},
		})
		if err != nil {
			t.Fatal(err)
		}
		proposals = append(proposals, p.GetProposal())
	}
	approve := func(p *directoryv1.Proposal) error {
		decision := store.Decision{
			ProposalID: p.GetProposalId(), Version: 1, Approve: true,
			DecidedBy: store.Actor{Person: "paola", Tenant: tenant.Centre, System: "console"},
			MayDecide: func(*directoryv1.Entry) bool { return true },
			DecidedAt: tuesday, Today: "2026-11-24", Cached: cached,
		}
		request := idempotency.Request{ID: uuid.NewString(), Method: "d", BodyHash: []byte("d")}
		_, _, err := store.Decide(t.Context(), env.pool, decision, request, env.server.ValidateEntries)
		return err
	}
	if err := approve(proposals[0]); err != nil {
		t.Fatal(err)
	}
	conflicts := []string{
		"node/cremona.territories[0].territory TWO_ACTIVE_NODES",
		"node/cuneo.territories[0].territory TWO_ACTIVE_NODES",
	}
	assertFault(t, approve(proposals[1]), fault.InvalidRequest, conflicts...)

	// After a restore of the database, a snapshot may be newer than the database: then everything is read again.
	cached.Revision, cached.Entries = 99, nil
	assertFault(t, approve(proposals[1]), fault.InvalidRequest, conflicts...)
}

// Ensure pages of large proposals are cut short, so that no response exceeds the limit of clients.
func TestServer_ListProposals_LargePages(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for range 3 {
		req := &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "descrizioni"}
		for i := range 300 {
			o := newSportello()
			o.OfficeId, o.Description = fmt.Sprintf("sportello-%d", i), strings.Repeat("x", 4000)
			req.Entries = append(req.Entries, officeEntry(o, 0))
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
