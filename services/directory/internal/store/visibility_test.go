package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
)

// officeOf returns an office of a node, by its region and its identifier in the directory.
func officeOf(id, region, node string, v directoryv1.Visibility) *directoryv1.Entry {
	e := desk(id, id)
	o := e.GetOffice()
	o.Region, o.Node, o.Visibility = region, node, v
	return e
}

// Ensure the database and package entry agree on which entries each tenant sees: entries, checkpoints and proposals.
func TestVisibility_AgreesWithScope(t *testing.T) {
	t.Parallel()
	const trentino, hidden = "trentino-alto-adige", directoryv1.Visibility_VISIBILITY_HIDDEN
	nodes := []string{"", "livo", "livo-" + trentino, "livo-lombardia", "cremona", "centre", "livo/" + trentino, "-"}
	var entries []*directoryv1.Entry
	for _, visibility := range []directoryv1.Visibility{0, hidden, 7} { // the last one is of a newer contract
		for _, region := range []string{"", "lombardia", trentino, "all"} {
			for _, node := range nodes {
				id := fmt.Sprintf("office-%03d", len(entries))
				entries = append(entries, officeOf(id, region, node, visibility))
			}
		}
	}
	body, err := entry.New(&directoryv1.Body{BodyId: "comune", Name: "Comune"})
	if err != nil {
		t.Fatal(err)
	}
	entries = append(entries, body)
	db := newCentre(t)
	load(t, db, colours(red), entries...)
	for _, e := range entries {
		propose(t, db, newProposal(e))
	}
	pool := db.Pool(t)
	for _, of := range []tenant.ID{
		{}, livo, trentinoLivo, cremona, cuneo, tenant.Centre, {Region: "lombardia", Node: "centre"},
		{Region: "lombardia", Node: "livo-lombardia"}, {Region: "lombardia", Node: "livo-" + trentino},
		{Region: trentino, Node: "livo-" + trentino}, {Region: trentino, Node: "cremona"},
	} {
		scope := entry.VisibilityScope{Tenant: of}
		var want, copied, proposed []string
		for _, e := range entries {
			if scope.Includes(e) {
				want = append(want, e.GetId())
			}
		}
		slices.Sort(want)
		doc, at, err := store.ListChanges(t.Context(), pool, of, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.GetEntries() {
			copied = append(copied, e.GetId())
		}
		slices.Sort(copied)
		if diff := cmp.Diff(want, copied); diff != "" {
			t.Errorf("the copy of %s (-want +got):\n%s", of, diff)
		}
		if c, err := store.GetCheckpoint(t.Context(), pool, of); err != nil || c != at {
			t.Errorf("%s has the checkpoint %+v, %v, want %+v", of, c, err, at)
		}
		page, _, err := store.ListProposals(t.Context(), pool, scope, 0, "", len(entries))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			proposed = append(proposed, p.GetChanges()[0].GetEntry().GetId())
		}
		slices.Sort(proposed)
		if diff := cmp.Diff(want, proposed); diff != "" {
			t.Errorf("the proposals that %s sees (-want +got):\n%s", of, diff)
		}
	}
}

// Ensure the copies of two nodes of one name hold only their own hidden offices, and a change of one leaves no trace at
// the other.
func TestApplyCopy_OfHomonyms(t *testing.T) {
	t.Parallel()
	const hidden = directoryv1.Visibility_VISIBILITY_HIDDEN
	const lombardId, trentinoId = "riservato-aaaaaaaaaaaaaaaa", "riservato-bbbbbbbbbbbbbbbb"
	ofLombardia := officeOf(lombardId, "lombardia", "livo", hidden)
	ofTrentino := officeOf(trentinoId, trentinoLivo.Region, "livo-"+trentinoLivo.Region, hidden)
	centre, nodes := newCentre(t), map[tenant.ID]pgtest.DB{livo: newNode(t), trentinoLivo: newNode(t)}
	load(t, centre, colours(red), desk("a", "A"), ofLombardia, ofTrentino)
	for of, want := range map[tenant.ID][]string{livo: {"a", lombardId}, trentinoLivo: {"a", trentinoId}} {
		copyChangesOf(t, of, centre, nodes[of], 0)
		var got []string
		for _, e := range next(t, watch(t, nodes[of])).Entries {
			got = append(got, e.GetId())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the copy of %s (-want +got):\n%s", of, diff)
		}
	}
	checkpointOf := func(of tenant.ID) store.Checkpoint {
		c, err := store.GetCheckpoint(t.Context(), centre.Pool(t), of)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before, other := checkpointOf(livo), checkpointOf(trentinoLivo)
	renamed := officeOf(trentinoId, trentinoLivo.Region, "livo-"+trentinoLivo.Region, hidden)
	renamed.GetOffice().Name = "Casa"
	load(t, centre, colours(red), desk("a", "A"), ofLombardia, renamed)
	if checkpointOf(livo) != before || checkpointOf(trentinoLivo) == other {
		t.Errorf("a change at %s: %+v, before %+v; at %s: %+v, before %+v", trentinoLivo,
			checkpointOf(trentinoLivo), other, livo, checkpointOf(livo), before)
	}
	doc, _, err := store.ListChanges(t.Context(), centre.Pool(t), livo, 1)
	if err != nil || len(doc.GetEntries()) != 0 {
		t.Errorf("%s gets %v, %v", livo, doc.GetEntries(), err)
	}
}
