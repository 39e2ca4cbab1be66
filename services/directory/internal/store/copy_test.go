package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
)

// copyChanges applies to the node of Cremona what changed at the centre after a revision.
func copyChanges(t *testing.T, centre, node pgtest.DB, revision int64) {
	t.Helper()
	copyChangesOf(t, cremona, centre, node, revision)
}

// copyChangesOf is copyChanges for another node.
func copyChangesOf(t *testing.T, of tenant.ID, centre, node pgtest.DB, revision int64) {
	t.Helper()
	doc, want, err := store.ListChanges(t.Context(), centre.Pool(t), of, revision)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ApplyCopy(t.Context(), node.Pool(t), doc, revision == 0, want, now); err != nil {
		t.Fatal(err)
	}
}

// checkpoint returns the checkpoint of what the node of Cremona sees.
func checkpoint(t *testing.T, db pgtest.DB) store.Checkpoint {
	t.Helper()
	c, err := store.GetCheckpoint(t.Context(), db.Pool(t), cremona)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApplyCopy(t *testing.T) {
	t.Parallel()
	centre, node := newCentre(t), newNode(t)
	load(t, centre, colours(red), desk("a", "A"), desk("b", "B"))
	if empty := checkpoint(t, node); empty.Revision != 0 || empty.Digest == checkpoint(t, centre).Digest {
		t.Errorf("an empty copy has the checkpoint %+v", empty)
	}
	copyChanges(t, centre, node, 0)
	if diff := cmp.Diff(checkpoint(t, centre), checkpoint(t, node)); diff != "" {
		t.Error("whole (-centre +copy):\n" + diff)
	}
	snapshots := watch(t, node)
	next(t, snapshots)

	load(t, centre, colours(red, blue), desk("a", "A"), desk("b", "Better"))
	doc, _, err := store.ListChanges(t.Context(), centre.Pool(t), cremona, 1)
	if err != nil || len(doc.GetEntries()) != 1 || doc.GetEntries()[0].GetId() != "b" || len(doc.GetLists()) != 1 {
		t.Fatalf("changes after revision 1: %v, %v", doc, err)
	}
	copyChanges(t, centre, node, 1)
	if diff := cmp.Diff(checkpoint(t, centre), checkpoint(t, node)); diff != "" {
		t.Error("change (-centre +copy):\n" + diff)
	}
	want, got := next(t, watch(t, centre)), next(t, snapshots)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error("snapshots (-centre +copy):\n" + diff)
	}
	copyChanges(t, centre, node, 1)
	if checkpoint(t, centre) != checkpoint(t, node) {
		t.Error("applying a document twice changed something")
	}
}

// Ensure only current lists and entries are sent, and unchanged ones are not sent again.
func TestListChanges(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	load(t, db, colours(red, blue), desk("a", "B"))
	load(t, db, colours(red, blue), desk("a", "C"))
	for revision, lists := range []int{1, 1, 0} {
		doc, _, err := store.ListChanges(t.Context(), db.Pool(t), cremona, int64(revision))
		if err != nil || len(doc.GetLists()) != lists || len(doc.GetEntries()) != 1 {
			t.Errorf("after %d: %v, %v", revision, doc, err)
		}
	}
}

// Ensure a copy that differs from the centre is rolled back, whatever the reason, and that a whole document repairs it.
func TestApplyCopy_RefusesAnotherDigest(t *testing.T) {
	t.Parallel()
	centre, node := newCentre(t), newNode(t)
	load(t, centre, colours(red), desk("a", "A"), desk("b", "B"))
	copyChanges(t, centre, node, 0)
	before := checkpoint(t, node)
	load(t, centre, colours(red), desk("a", "Other"), desk("b", "B"))
	doc, want, err := store.ListChanges(t.Context(), centre.Pool(t), cremona, before.Revision)
	if err != nil {
		t.Fatal(err)
	}
	forged := proto.CloneOf(doc)
	forged.Entries[0].Content = []byte(strings.Replace(string(forged.Entries[0].Content), "Other", "Elsewhere", 1))
	pool := node.Pool(t)
	for name, doc := range map[string]*directoryv1.CopyDocument{"forged": forged, "incomplete": {}} {
		if err := store.ApplyCopy(t.Context(), pool, doc, false, want, now); !errors.Is(err, store.ErrDigestMismatch) {
			t.Errorf("%s document: %v", name, err)
		}
	}
	if checkpoint(t, node) != before {
		t.Fatal("a refused document changed the copy")
	}
	snapshots := watch(t, node)
	next(t, snapshots)
	if _, err := pool.Exec(t.Context(), `delete from entry where id = 'b'`); err != nil {
		t.Fatal(err)
	}
	if err := store.ApplyCopy(t.Context(), pool, doc, false, want, now); !errors.Is(err, store.ErrDigestMismatch) {
		t.Errorf("a copy that lost a row: %v", err)
	}
	if _, err := pool.Exec(t.Context(), `
		insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at, revision)
		values ('foreign', 1, '', '', '', '[]', true, now(), 1)`); err != nil {
		t.Fatal(err)
	}
	copyChanges(t, centre, node, 0)
	if checkpoint(t, centre) != checkpoint(t, node) {
		t.Error("a whole document did not repair the copy")
	}
	if s := next(t, snapshots); len(s.Entries) != 2 || s.Entries[0].GetOffice().GetName() != "Other" {
		t.Errorf("a watcher gets %v", s.Entries)
	}
}

// Ensure the database of the centre refuses to be overwritten by a copy.
func TestApplyCopy_AtTheCentre(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	doc, want, err := store.ListChanges(t.Context(), db.Pool(t), tenant.ID{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ApplyCopy(t.Context(), db.Pool(t), doc, true, want, now); err == nil ||
		!strings.Contains(err.Error(), "42501") {
		t.Errorf("got %v, want no permission", err)
	}
}

func TestSetConfirmedAt(t *testing.T) {
	t.Parallel()
	centre, node := newCentre(t), newNode(t)
	pool := node.Pool(t)
	if never, err := store.GetConfirmedAt(t.Context(), pool); err != nil || !never.IsZero() {
		t.Errorf("before the first copy: %v, %v", never, err)
	}
	load(t, centre, colours(red), desk("a", "A"))
	copyChanges(t, centre, node, 0)
	later := now.Add(time.Minute)
	for _, c := range []struct{ at, want time.Time }{{later, later}, {now, later}} {
		if err := store.SetConfirmedAt(t.Context(), pool, c.at); err != nil {
			t.Fatal(err)
		}
		if got, err := store.GetConfirmedAt(t.Context(), pool); err != nil || !got.Equal(c.want) {
			t.Errorf("got %v, %v, want %v", got, err, c.want)
		}
	}
	if got, err := store.GetConfirmedAt(t.Context(), centre.Pool(t)); err != nil || !got.IsZero() {
		t.Errorf("at the centre: %v, %v", got, err)
	}
}

// Ensure a hidden office reaches its own node and leaves no trace at others: neither in their documents nor in their
// revision nor in their digest, even when it changes.
func TestListChanges_LeavesOutHidden(t *testing.T) {
	t.Parallel()
	with, without, node := newCentre(t), newCentre(t), newNode(t)
	for _, db := range []pgtest.DB{with, without} {
		var hidden []*directoryv1.Entry
		if db == with {
			hidden = append(hidden, hiddenDesk("Rifugio"))
		}
		load(t, db, colours(red), append(hidden, desk("a", "A"), desk("b", "B"))...)
		load(t, db, colours(red), append(hidden, desk("a", "A"), desk("b", "Better"))...)
	}
	load(t, with, colours(red), hiddenDesk("Casa"), desk("a", "A"), desk("b", "Better"))
	for _, reader := range []tenant.ID{
		{}, cuneo, {Region: "piemonte", Node: "cremona"}, {Region: "lombardia", Node: "centre"}, tenant.Centre,
	} {
		for known := range int64(4) {
			want, wantAt, err := store.ListChanges(t.Context(), without.Pool(t), reader, known)
			if err != nil {
				t.Fatal(err)
			}
			got, gotAt, err := store.ListChanges(t.Context(), with.Pool(t), reader, known)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || wantAt != gotAt {
				t.Errorf("%s after %d: %+v, want %+v (-without +with):\n%s", reader, known, gotAt, wantAt, diff)
			}
			if c, err := store.GetCheckpoint(t.Context(), with.Pool(t), reader); err != nil || c != wantAt {
				t.Errorf("checkpoint of %s: %+v, %v, want %+v", reader, c, err, wantAt)
			}
		}
	}
	doc, c, err := store.ListChanges(t.Context(), with.Pool(t), cremona, 2)
	if err != nil || c.Revision != 3 || len(doc.GetEntries()) != 1 ||
		doc.GetEntries()[0].GetId() != "riservato-0123456789abcdef" {
		t.Errorf("its own node gets %v at %+v, %v", doc.GetEntries(), c, err)
	}
	copyChanges(t, with, node, 0)
	s := next(t, watch(t, node))
	if last := s.Entries[len(s.Entries)-1]; len(s.Entries) != 3 || last.GetOffice().GetName() != "Casa" ||
		!entry.IsHidden(last) {
		t.Errorf("the copy of its own node has %v", s.Entries)
	}
}
