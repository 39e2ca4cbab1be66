package entry_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// Ensure every entry of the built-in data survives a round trip through YAML and through the stored form.
func TestMarshal_RoundTrip(t *testing.T) {
	t.Parallel()
	all, err := entry.ParseFS(data.Files)
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	for _, e := range all {
		asYAML, err := entry.MarshalYAML(e)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := entry.UnmarshalYAML(e.GetKind(), asYAML); err != nil || !proto.Equal(again, e) {
			t.Errorf("%s: %v\n%s", entry.RefOf(e), err, asYAML)
		}
		stored, err := entry.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := entry.Unmarshal(e.GetKind(), stored); err != nil || !proto.Equal(again, e) {
			t.Errorf("%s: %v\n%s", entry.RefOf(e), err, stored)
		}
	}
}

func TestParseFS_RejectsInvalidFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, text string }{
		{"unknown field", "body/a.yaml", "body_id: a\nphone: 1"},
		{"identifier that differs from the file name", "body/a.yaml", "body_id: b"},
		{"alias in a nested value", "body/a.yaml", "body_id: a\nprovenance: {source: &a b, note: *a}"},
		{"alias", "body/a.yaml", "body_id: &a a\nname: *a"},
		{"list", "body/a.yaml", "- body_id: a"},
		{"invalid YAML", "body/a.yaml", "{"},
		{"number for a text", "body/a.yaml", "body_id: a\nname: 7"},
		{"file above the size limit", "body/a.yaml", "body_id: a\n#" + strings.Repeat("x", 256<<10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if all, err := entry.ParseFS(fstest.MapFS{c.file: {Data: []byte(c.text)}}); err == nil {
				t.Errorf("got %v, want an error", all)
			}
		})
	}
}

// Ensure an error names the field, without a position in JSON that the author did not write.
func TestUnmarshalYAML_NamesField(t *testing.T) {
	t.Parallel()
	_, err := entry.UnmarshalYAML("body", []byte("body_id: a\nnmae: b"))
	if err == nil || err.Error() != `unknown field "nmae"` {
		t.Errorf("got %v", err)
	}
}

// Ensure a date without quotation marks stays the text that was written.
func TestUnmarshalYAML_KeepsDate(t *testing.T) {
	t.Parallel()
	e, err := entry.UnmarshalYAML("act", []byte("act_id: a\ndate: 2024-04-08"))
	if err != nil || e.GetAct().GetDate() != "2024-04-08" {
		t.Errorf("%v, %v", e, err)
	}
}

func TestChangedFields(t *testing.T) {
	t.Parallel()
	before := newEntry(t, &directoryv1.Office{
		OfficeId: "a", Name: "A", Phones: []*directoryv1.Phone{{Number: "1"}}, Grounds: []string{"SEX"},
	})
	after := newEntry(t, &directoryv1.Office{
		OfficeId: "a", Name: "A", Phones: []*directoryv1.Phone{{Number: "2", Whatsapp: true}},
	})
	want := []string{"grounds[0]", "phones[0].number", "phones[0].whatsapp"}
	if diff := cmp.Diff(want, entry.ChangedFields(before, after)); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
	if changed := entry.ChangedFields(before, before); len(changed) != 0 {
		t.Errorf("an entry differs from itself in %v", changed)
	}
}

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
		}
		for size := 1; size < 4; size++ {
			var paged []*directoryv1.Entry
			for after := entry.Ref(""); ; {
				page, more := x.Page(f, after, size)
				paged = append(paged, page...)
				if !more {
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

// Ensure whatever UnmarshalYAML accepts survives a round trip.
func FuzzUnmarshalYAML(f *testing.F) {
	f.Add("office", []byte("office_id: a\nhours: [{weekday: 2, opens: \"09:00\"}]"))
	f.Add("act", []byte("date: 2024-04-08"))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		e, err := entry.UnmarshalYAML(kind, raw)
		if err != nil {
			return
		}
		again, err := entry.MarshalYAML(e)
		if err != nil {
			t.Fatalf("entry cannot be encoded: %v", err)
		}
		if back, err := entry.UnmarshalYAML(kind, again); err != nil || !proto.Equal(back, e) {
			t.Errorf("%v: %s", err, again)
		}
	})
}
