package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

// Ensure paging returns each case that was stored at the start exactly once, while others are opened, with a filter and
// without.
func TestCases_List_WhileCasesAreOpened(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		state casefile.State
		want  func(i int) bool
	}{
		{"", func(int) bool { return true }},
		{casefile.InAssessment, func(i int) bool { return i%3 != 0 }},
		{casefile.TakenInCharge, func(i int) bool { return i%3 == 0 }},
		{casefile.Archived, func(int) bool { return false }},
	} {
		t.Run("state "+string(tc.state), func(t *testing.T) {
			t.Parallel()
			cases, _ := setup(t)
			openCase(t, cases, cuneo)
			var want []string // newest first
			for i := range 23 {
				id := openCase(t, cases, cremona).ID
				if i%3 == 0 {
					update(t, cases, id, assess(1, "SEX", "S2"))
				}
				if tc.want(i) {
					want = append([]string{id}, want...)
				}
			}
			var got []string
			for position, pages := int64(0), 0; pages == 0 || position != 0; pages++ {
				page, next, err := cases.List(t.Context(), cremona, tc.state, position, 4)
				if err != nil || len(page) > 4 || next != 0 && next == position {
					t.Fatalf("%d cases, next %d after %d, %v", len(page), next, position, err)
				}
				for _, c := range page {
					got = append(got, c.ID)
				}
				position = next
				update(t, cases, openCase(t, cases, cremona).ID, assess(1, "SEX", "S2"))
				openCase(t, cases, cremona)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
