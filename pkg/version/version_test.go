package version_test

import (
	"testing"

	"github.com/retepari/pari/pkg/version"
)

// Ensure there is always something to show, also in a program without a commit, such as this test.
func TestCommit(t *testing.T) {
	t.Parallel()
	if version.Commit() == "" {
		t.Error("empty")
	}
}
