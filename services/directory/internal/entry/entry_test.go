package entry_test

import (
	stdcmp "cmp"
	"io/fs"
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
	for _, c := range []struct{ name, file, text, problem string }{
		{"unknown field", "body/a.yaml", "body_id: a\nphone: 1", `unknown field "phone"`},
		{"identifier that differs from the file name", "body/a.yaml", "body_id: b", `file holds body "b"`},
		{"alias", "body/a.yaml", "body_id: &a a\nname: *a", "line 2: anchors and aliases"},
		{"alias in a nested value", "body/a.yaml", "body_id: a\nprovenance: {source: &a b, note: *a}",
			"line 2: anchors and aliases"},
		{"list", "body/a.yaml", "- body_id: a", "cannot unmarshal !!seq"},
		{"invalid YAML", "body/a.yaml", "{", "did not find expected node content"},
		{"number that JSON does not have", "body/a.yaml", "body_id: .nan", "unsupported value"},
		{"number for a text", "body/a.yaml", "body_id: a\nname: 7", "invalid value for string field name"},
		{"file above the size limit", "body/a.yaml", "body_id: a\n#" + strings.Repeat("x", 256<<10), "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := entry.ParseFS(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if err == nil || !strings.HasPrefix(err.Error(), c.file+": ") || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %s", err, c.problem)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		t.Parallel()
		if all, err := entry.ParseFS(fstest.MapFS{"body/a.yaml": {Mode: fs.ModeDir}}); err == nil {
			t.Errorf("got %v, want an error", all)
		}
	})
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

// Ensure an empty element counts as a difference, although its value is the zero value.
func TestChangedFields_EmptyElement(t *testing.T) {
	t.Parallel()
	without := newEntry(t, &directoryv1.Office{OfficeId: "a"})
	with := newEntry(t, &directoryv1.Office{OfficeId: "a", Grounds: []string{""}})
	for _, changed := range [][]string{entry.ChangedFields(without, with), entry.ChangedFields(with, without)} {
		if diff := cmp.Diff([]string{"grounds[0]"}, changed); diff != "" {
			t.Error("-want +got:\n" + diff)
		}
	}
}

func TestNew_RejectsOtherMessages(t *testing.T) {
	t.Parallel()
	if e, err := entry.New(&directoryv1.Phone{}); err == nil {
		t.Errorf("got %v", e)
	}
}

func TestUnmarshal_Rejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, kind, stored string }{
		{"an unknown kind", "planet", "{}"}, {"an empty kind", "", "{}"}, {"invalid JSON", "body", "{"},
		{"another type", "body", `{"name": 7}`},
	} {
		if e, err := entry.Unmarshal(c.kind, []byte(c.stored)); err == nil {
			t.Errorf("%s gives %v", c.name, e)
		}
	}
	e, err := entry.Unmarshal("body", []byte(`{"body_id": "a", "of_a_newer_version": 1}`))
	if err != nil || e.GetBody().GetBodyId() != "a" {
		t.Errorf("an unknown field gives %v, %v", e, err)
	}
}

func TestContent_OfEmptyEntry(t *testing.T) {
	t.Parallel()
	if content := entry.Content(&directoryv1.Entry{}); content != nil {
		t.Errorf("got %v", content)
	}
}

// Ensure entries are ordered by the kinds of the contract, with unknown ones first, then by identifier.
func TestCompare(t *testing.T) {
	t.Parallel()
	kinds := entry.Kinds()
	sorted := []*directoryv1.Entry{
		{Kind: "unknown", Id: "z"}, {Kind: kinds[0], Id: "a"}, {Kind: kinds[0], Id: "b"}, {Kind: kinds[1], Id: "a"},
	}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := entry.Compare(a, b); got != stdcmp.Compare(i, j) {
				t.Errorf("Compare(%v, %v) = %d", a, b, got)
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
