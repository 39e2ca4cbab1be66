package entry_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// Ensure pages of any size hold each entry that matches the filter once and in order.
func TestIndex_Page(t *testing.T) {
	t.Parallel()
	all, err := entry.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	x := entry.NewIndex(all)
	for _, f := range []entry.Filter{
		{}, {Kinds: []string{"act", "room"}}, {Node: "cuneo"}, {ReferringTo: "office/cuneo-nodo"},
		{Node: "cuneo", Kinds: []string{"network"}},
	} {
		whole, more := x.Page(f, "", 1000)
		if more || len(whole) == 0 {
			t.Fatalf("%v: %d entries, more %v", f, len(whole), more)
		}
		for _, e := range whole {
			if f.Node != "" && entry.NodeOf(e) != f.Node {
				t.Errorf("%v: %s is of node %q", f, entry.RefOf(e), entry.NodeOf(e))
			}
			if f.Kinds != nil && !slices.Contains(f.Kinds, e.GetKind()) {
				t.Errorf("%v: %s is of another kind", f, entry.RefOf(e))
			}
		}
		for size := 1; size < 4; size++ {
			var paged []*directoryv1.Entry
			for after := entry.Ref(""); ; {
				page, more := x.Page(f, after, size)
				if len(page) > size || more && len(page) < size {
					t.Fatalf("%v in pages of %d: a page of %d, more %t", f, size, len(page), more)
				}
				paged = append(paged, page...)
				if !more || len(paged) > len(whole) {
					break
				}
				after = entry.RefOf(page[len(page)-1])
			}
			if len(paged) != len(whole) {
				t.Fatalf("%v in pages of %d: %d entries, want %d", f, size, len(paged), len(whole))
			}
			for i := range paged {
				if paged[i] != whole[i] {
					t.Errorf("%v in pages of %d: %s at %d", f, size, entry.RefOf(paged[i]), i)
				}
			}
		}
	}
}

// Ensure ReferringTo matches only entries that refer to the given one.
func TestIndex_Page_ReferringTo(t *testing.T) {
	t.Parallel()
	x := entry.NewIndex(newFixture().entries(t))
	for target, want := range map[entry.Ref][]entry.Ref{
		"body/comune": {"node/cremona", "node/cuneo"}, "office/sportello": {"room/sala"}, "room/sala": nil,
	} {
		page, _ := x.Page(entry.Filter{ReferringTo: target}, "", 9)
		if diff := cmp.Diff(want, refsOf(page)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
}

func refsOf(entries []*directoryv1.Entry) (refs []entry.Ref) {
	for _, e := range entries {
		refs = append(refs, entry.RefOf(e))
	}
	return refs
}

// Ensure an index finds entries by reference and kind, and Without leaves out the given ones only.
func TestIndex_Lookup(t *testing.T) {
	t.Parallel()
	a, b, room := newEntry(t, &directoryv1.Body{BodyId: "a"}), newEntry(t, &directoryv1.Body{BodyId: "b"}),
		newEntry(t, &directoryv1.Room{RoomId: "a"})
	x := entry.NewIndex([]*directoryv1.Entry{room, a}).With([]*directoryv1.Entry{b})
	if e, ok := x.Get("body/b"); !ok || e != b {
		t.Errorf("body/b is %v, %t", e, ok)
	}
	if e, ok := x.Get("body/c"); ok || e != nil {
		t.Errorf("body/c is %v, %t", e, ok)
	}
	if diff := cmp.Diff([]entry.Ref{"body/a", "body/b", "room/a"}, refsOf(slices.Collect(x.All()))); diff != "" {
		t.Error("All (-want +got):\n" + diff)
	}
	if diff := cmp.Diff([]entry.Ref{"body/a", "body/b"}, refsOf(slices.Collect(x.OfKind("body")))); diff != "" {
		t.Error("OfKind (-want +got):\n" + diff)
	}
	for e := range x.OfKind("body") {
		if e != a {
			t.Errorf("OfKind continues with %s", entry.RefOf(e))
		}
		break
	}
	if diff := cmp.Diff([]entry.Ref{"body/b", "room/a"}, refsOf(x.Without([]*directoryv1.Entry{a}))); diff != "" {
		t.Error("Without (-want +got):\n" + diff)
	}
}

// Ensure VerifiedBefore matches entries that were verified earlier or never.
func TestIndex_Page_VerifiedBefore(t *testing.T) {
	t.Parallel()
	x := entry.NewIndex([]*directoryv1.Entry{
		newEntry(t, &directoryv1.Office{OfficeId: "a", VerifiedOn: "2026-01-01"}),
		newEntry(t, &directoryv1.Office{OfficeId: "b", VerifiedOn: "2025-12-31"}),
		newEntry(t, &directoryv1.Office{OfficeId: "c"}),
	})
	page, _ := x.Page(entry.Filter{VerifiedBefore: "2026-01-01"}, "", 9)
	if diff := cmp.Diff([]entry.Ref{"office/b", "office/c"}, refsOf(page)); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
}

// Ensure the text of a filter depends on each field and not on the order of the kinds.
func TestFilter_String(t *testing.T) {
	t.Parallel()
	seen := map[string]entry.Filter{}
	for _, f := range []entry.Filter{
		{}, {Kinds: []string{"body", "room"}}, {Kinds: []string{"body"}}, {Node: "body"}, {ReferringTo: "body/a"},
		{VerifiedBefore: "2026-01-01"},
	} {
		if other, found := seen[f.String()]; found {
			t.Errorf("%+v and %+v have the same text", f, other)
		}
		seen[f.String()] = f
	}
	a, b := entry.Filter{Kinds: []string{"body", "room"}}, entry.Filter{Kinds: []string{"room", "body"}}
	if a.String() != b.String() {
		t.Errorf("%q and %q differ", a, b)
	}
}

func TestNodeOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content proto.Message
		want    string
	}{
		{&directoryv1.Node{NodeId: "cremona"}, "cremona"},
		{&directoryv1.Office{OfficeId: "a", Node: "cuneo"}, "cuneo"},
		{&directoryv1.Body{BodyId: "a"}, ""},
	} {
		if got := entry.NodeOf(newEntry(t, c.content)); got != c.want {
			t.Errorf("%v is of node %q, want %q", c.content, got, c.want)
		}
	}
}

// Ensure entries belong to the node of their own region, by both identifiers that it can have, and nothing belongs to
// no tenant.
func TestOwnedBy(t *testing.T) {
	t.Parallel()
	const trentino = "trentino-alto-adige"
	tenants := []tenant.ID{
		{}, {Region: "lombardia", Node: "livo"}, {Region: trentino, Node: "livo"},
		{Region: "lombardia", Node: "livo-" + trentino}, {Region: trentino, Node: "livo-" + trentino},
		{Region: "lombardia", Node: "centre"}, tenant.Centre, {Region: "lombardia"}, {Node: "livo"},
	}
	for _, c := range []struct {
		content proto.Message
		want    []tenant.ID
	}{
		{&directoryv1.Office{Region: "lombardia", Node: "livo"}, []tenant.ID{{Region: "lombardia", Node: "livo"}}},
		{&directoryv1.Node{Region: "lombardia", NodeId: "livo"}, []tenant.ID{{Region: "lombardia", Node: "livo"}}},
		{&directoryv1.Course{Region: trentino, Node: "livo"}, []tenant.ID{{Region: trentino, Node: "livo"}}},
		{&directoryv1.Office{Region: trentino, Node: "livo-" + trentino},
			[]tenant.ID{{Region: trentino, Node: "livo"}, {Region: trentino, Node: "livo-" + trentino}}},
		{&directoryv1.Office{Region: "lombardia", Node: "livo-" + trentino},
			[]tenant.ID{{Region: "lombardia", Node: "livo-" + trentino}}},
		{&directoryv1.Initiative{Region: "lombardia"}, nil},
		{&directoryv1.Office{Region: "lombardia", Node: "-lombardia"}, nil},
		{&directoryv1.Office{Node: "livo"}, nil},
		{&directoryv1.Body{BodyId: "livo"}, nil},
	} {
		e := newEntry(t, c.content)
		var got []tenant.ID
		for _, of := range tenants {
			if entry.OwnedBy(e, of) {
				got = append(got, of)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v belongs to (-want +got):\n%s", c.content, diff)
		}
	}
}
