package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// copyOf is a database that keeps a copy.
func copyOf(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.New(t, "directory_copy", func(ctx context.Context, ownerURL string) error {
		if err := store.Migrate(ctx, ownerURL); err != nil {
			return err
		}
		return store.GrantCopy(ctx, ownerURL)
	})
}

// after brings what changed at the centre after a revision to a copy.
func after(t *testing.T, centre, node pgtest.DB, revision int64) {
	t.Helper()
	doc, want, err := store.ListChanges(t.Context(), centre.Pool(t), "cremona", revision)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ApplyCopy(t.Context(), node.Pool(t), doc, revision == 0, want, day); err != nil {
		t.Fatal(err)
	}
}

func at(t *testing.T, db pgtest.DB) store.Checkpoint {
	t.Helper()
	p, err := store.GetCheckpoint(t.Context(), db.Pool(t), "cremona")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCopy(t *testing.T) {
	t.Parallel()
	centre, node := database(t), copyOf(t)
	load(t, centre, []vocabulary.List{colours(red)}, desk("a", "A"), desk("b", "B"))
	if empty := at(t, node); empty.Revision != 0 || empty.Digest == at(t, centre).Digest {
		t.Errorf("an empty copy is at %+v", empty)
	}
	after(t, centre, node, 0)
	if diff := cmp.Diff(at(t, centre), at(t, node)); diff != "" {
		t.Error("whole (-centre +copy):\n" + diff)
	}
	shown := follow(t, node)
	next(t, shown)

	load(t, centre, []vocabulary.List{colours(red, blue)}, desk("a", "A"), desk("b", "Better"))
	doc, _, err := store.ListChanges(t.Context(), centre.Pool(t), "cremona", 1)
	if err != nil || len(doc.GetEntries()) != 1 || doc.GetEntries()[0].GetId() != "b" || len(doc.GetLists()) != 1 {
		t.Fatalf("after revision 1 comes %v, %v", doc, err)
	}
	after(t, centre, node, 1)
	if diff := cmp.Diff(at(t, centre), at(t, node)); diff != "" {
		t.Error("change (-centre +copy):\n" + diff)
	}
	want, got := next(t, follow(t, centre)), next(t, shown)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error("a follower of the copy sees (-centre +copy):\n" + diff)
	}
	after(t, centre, node, 1) // again: nothing doubles
	if at(t, centre) != at(t, node) {
		t.Error("a document that came twice changed something")
	}
}

// Ensure that a copy that would differ is not kept, whatever the reason, and that a whole document mends it.
func TestCopy_Differs(t *testing.T) {
	t.Parallel()
	centre, node := database(t), copyOf(t)
	load(t, centre, []vocabulary.List{colours(red)}, desk("a", "A"), desk("b", "B"))
	after(t, centre, node, 0)
	before := at(t, node)
	load(t, centre, []vocabulary.List{colours(red)}, desk("a", "Other"), desk("b", "B"))
	doc, want, err := store.ListChanges(t.Context(), centre.Pool(t), "cremona", before.Revision)
	if err != nil {
		t.Fatal(err)
	}
	forged, _ := proto.Clone(doc).(*directoryv1.CopyDocument)
	forged.Entries[0].Content = []byte(strings.Replace(string(forged.Entries[0].Content), "Other", "Elsewhere", 1))
	if err := store.ApplyCopy(t.Context(), node.Pool(t), forged, false, want, day); !errors.Is(err, store.ErrDigestMismatch) {
		t.Errorf("a changed document: %v", err)
	}
	if err := store.ApplyCopy(t.Context(), node.Pool(t), &directoryv1.CopyDocument{}, false, want, day); !errors.Is(err, store.ErrDigestMismatch) {
		t.Errorf("a document that lacks something: %v", err)
	}
	if at(t, node) != before {
		t.Fatal("a refused document left something")
	}
	shown := follow(t, node)
	next(t, shown)
	pool := node.Pool(t)
	if _, err := pool.Exec(t.Context(), `delete from entry where id = 'b'`); err != nil {
		t.Fatal(err)
	}
	if err := store.ApplyCopy(t.Context(), pool, doc, false, want, day); !errors.Is(err, store.ErrDigestMismatch) {
		t.Errorf("onto a copy that lost a row: %v", err)
	}
	after(t, centre, node, 0)
	if at(t, centre) != at(t, node) {
		t.Error("a whole document did not mend the copy")
	}
	if c := next(t, shown); len(c.Entries) != 2 || c.Entries[0].GetOffice().GetName() != "Other" {
		t.Errorf("a follower sees %v", c.Entries)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	centre, node := database(t), copyOf(t)
	pool := node.Pool(t)
	if never, err := store.GetConfirmedAt(t.Context(), pool); err != nil || !never.IsZero() {
		t.Errorf("got %v, %v", never, err)
	}
	load(t, centre, []vocabulary.List{colours(red)}, desk("a", "A"))
	after(t, centre, node, 0)
	for _, c := range []struct{ at, want time.Time }{{day.Add(time.Minute), day.Add(time.Minute)}, {day, day.Add(time.Minute)}} {
		if err := store.SetConfirmedAt(t.Context(), pool, c.at); err != nil {
			t.Fatal(err)
		}
		if got, err := store.GetConfirmedAt(t.Context(), pool); err != nil || !got.Equal(c.want) {
			t.Errorf("got %v, %v, want %v", got, err, c.want)
		}
	}
}

// Ensure a hidden office travels to its own node and leaves no trace on the way to others: nor in their document, nor
// in how far they are, nor in their digest, though it was changed since.
func TestAfter_Hidden(t *testing.T) {
	t.Parallel()
	hidden := func(name string) *directoryv1.Entry {
		e := desk("riservato-0123456789abcdef", name)
		e.GetOffice().Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
		return e
	}
	with, without, node := database(t), database(t), copyOf(t)
	for _, db := range []pgtest.DB{with, without} {
		var own []*directoryv1.Entry
		if db == with {
			own = append(own, hidden("Rifugio"))
		}
		load(t, db, []vocabulary.List{colours(red)}, append(own, desk("a", "A"), desk("b", "B"))...)
		load(t, db, []vocabulary.List{colours(red)}, append(own, desk("a", "A"), desk("b", "Better"))...)
	}
	load(t, with, []vocabulary.List{colours(red)}, hidden("Casa"), desk("a", "A"), desk("b", "Better"))
	for _, asks := range []string{"", "cuneo", "centre"} {
		for known := range int64(4) {
			want, wantAt, err := store.ListChanges(t.Context(), without.Pool(t), asks, known)
			if err != nil {
				t.Fatal(err)
			}
			got, gotAt, err := store.ListChanges(t.Context(), with.Pool(t), asks, known)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || wantAt != gotAt {
				t.Errorf("%q after %d is at %+v, not %+v; (-without +with):\n%s", asks, known, gotAt, wantAt, diff)
			}
			if at, err := store.GetCheckpoint(t.Context(), with.Pool(t), asks); err != nil || at != wantAt {
				t.Errorf("%q is at %+v, not %+v: %v", asks, at, wantAt, err)
			}
		}
	}
	doc, position, err := store.ListChanges(t.Context(), with.Pool(t), "cremona", 2)
	if err != nil || len(doc.GetEntries()) != 1 || doc.GetEntries()[0].GetId() != "riservato-0123456789abcdef" || position.Revision != 3 {
		t.Errorf("its own node gets %v at %+v, %v", doc.GetEntries(), position, err)
	}
	after(t, with, node, 0)
	c := next(t, follow(t, node))
	if last := c.Entries[len(c.Entries)-1]; len(c.Entries) != 3 || last.GetOffice().GetName() != "Casa" || !entry.IsHidden(last) {
		t.Errorf("the copy of its own node holds %v", c.Entries)
	}
}
