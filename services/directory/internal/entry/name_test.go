package entry_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content      proto.Message
		name, region string
	}{
		{&directoryv1.Office{Name: "Sportello", Region: "lombardia"}, "Sportello", "lombardia"},
		{&directoryv1.Course{Title: "Tutela", Region: "piemonte"}, "Tutela", "piemonte"},
		{&directoryv1.Room{Name: "Sala"}, "Sala", ""},
	} {
		e := newEntry(t, c.content)
		if name, region := entry.Name(e), entry.Region(e); name != c.name || region != c.region {
			t.Errorf("%v has name %q and region %q", c.content, name, region)
		}
	}
	if name := entry.Name(&directoryv1.Entry{}); name != "" {
		t.Errorf("an empty entry has the name %q", name)
	}
}

func TestParseRef(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]entry.Ref{"a": "body/a", "body/a": "body/a", "office/a": "office/a"} {
		if got := entry.ParseRef("body", text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
