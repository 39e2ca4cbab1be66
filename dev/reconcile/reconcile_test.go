package reconcile_test

import (
	"testing"

	"github.com/retepari/pari/dev/reconcile"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// Ensure that every difference between node and centre counts as lost or duplicated, and that Agrees is then false.
func TestCompare(t *testing.T) {
	t.Parallel()
	centre := func(reports, cases, sent, applied int64) *reportingv1.GetFeedStatusResponse {
		partitions := []*reportingv1.LineFeed{{LastNodeSeq: sent, AppliedNodeSeq: applied}}
		return &reportingv1.GetFeedStatusResponse{Nodes: []*reportingv1.NodeFeed{{
			Node: "cremona", Reports: reports, Cases: cases, Lines: partitions,
		}}}
	}
	for _, c := range []struct {
		name             string
		status           *reportingv1.GetFeedStatusResponse
		lost, duplicated int64
	}{
		{"equal counts", centre(5, 2, 9, 9), 0, 0},
		{"a report is missing", centre(4, 2, 9, 9), 1, 0},
		{"a case is missing", centre(5, 1, 9, 9), 1, 0},
		{"an event is in flight", centre(5, 2, 9, 8), 1, 0},
		{"a report counts twice", centre(6, 2, 9, 9), 0, 1},
		{"a case counts twice", centre(5, 3, 9, 9), 0, 1},
		{"the centre does not know the node", &reportingv1.GetFeedStatusResponse{}, 7, 0},
	} {
		got := reconcile.Compare(reconcile.Result{{Node: "cremona", Reports: 5, Cases: 2}}, c.status)
		if got[0].Lost != c.lost || got[0].Duplicated != c.duplicated || got.Agrees() != (c.lost+c.duplicated == 0) {
			t.Errorf("%s: got %+v, agrees %t", c.name, got[0], got.Agrees())
		}
	}
	if (reconcile.Result{}).Agrees() {
		t.Error("a network without nodes agrees with itself")
	}
}
