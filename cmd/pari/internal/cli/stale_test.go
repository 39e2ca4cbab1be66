package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

// Ensure a reminder comes by node, and within it what was never checked first, then the oldest.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	office := func(id, node, verified string) *directoryv1.Entry {
		return &directoryv1.Entry{Kind: "office", Id: id, Content: &directoryv1.Entry_Office{Office: &directoryv1.Office{OfficeId: id, Node: node, VerifiedOn: verified}}}
	}
	entries := []*directoryv1.Entry{
		office("a", "cuneo", "2024-01-01"), office("b", "cremona", "2025-01-01"), office("c", "cremona", "2024-06-01"), office("d", "cremona", ""), office("e", "", "2025-03-01"),
	}
	oldestFirst(entries)
	var got []string
	for _, e := range entries {
		got = append(got, files.RefOf(e))
	}
	if diff := cmp.Diff([]string{"office/e", "office/d", "office/c", "office/b", "office/a"}, got); diff != "" {
		t.Error(diff)
	}
}
