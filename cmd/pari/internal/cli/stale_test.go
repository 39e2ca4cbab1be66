package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

// Ensure that entries are sorted by node, and within a node unverified entries precede verified ones, oldest first.
func TestSortByVerification(t *testing.T) {
	t.Parallel()
	office := func(id, node, verified string) *directoryv1.Entry {
		o := &directoryv1.Office{OfficeId: id, Node: node, VerifiedOn: verified}
		return &directoryv1.Entry{Kind: "office", Id: id, Content: &directoryv1.Entry_Office{Office: o}}
	}
	entries := []*directoryv1.Entry{
		office("a", "cuneo", "2024-01-01"), office("b", "cremona", "2025-01-01"), office("c", "cremona", "2024-06-01"),
		office("d", "cremona", ""), office("e", "", "2025-03-01"),
	}
	sortByVerification(entries)
	var got []string
	for _, e := range entries {
		got = append(got, files.RefOf(e))
	}
	want := []string{"office/e", "office/d", "office/c", "office/b", "office/a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
