package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// totals are the counts of one node.
type totals struct{ reports, cases int64 }

// waitReconciled waits until the centre counts exactly what the nodes hold, with every event applied, no gap, and no
// dead-lettered event.
func (h *harness) waitReconciled(t *testing.T, nodes []string) {
	t.Helper()
	held := map[string]totals{}
	for _, node := range nodes {
		held[node] = totals{int64(len(h.ListReports(t, node))), int64(len(h.ListCases(t, node)))}
	}
	reporting := h.Reporting(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := retry(ctx, reporting.GetFeedStatus, &reportingv1.GetFeedStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		differences := compareFeed(held, resp)
		if len(differences) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("centre and nodes do not agree: %s", strings.Join(differences, "; "))
		case <-tick.C:
		}
	}
}

// compareFeed describes each difference between what the nodes hold and the feed status of the centre.
func compareFeed(held map[string]totals, feed *reportingv1.GetFeedStatusResponse) (differences []string) {
	seen := 0
	for _, n := range feed.GetNodes() {
		want, ok := held[n.GetNode()]
		if !ok {
			continue
		}
		seen++
		if n.GetReports() != want.reports || n.GetCases() != want.cases {
			differences = append(differences, fmt.Sprintf("%s holds %+v, the centre counts %d reports and %d cases",
				n.GetNode(), want, n.GetReports(), n.GetCases()))
		}
		for _, p := range n.GetLines() {
			if p.GetAppliedNodeSeq() != p.GetLastNodeSeq() || p.GetGaps() != 0 || p.GetParked() != 0 {
				differences = append(differences, fmt.Sprintf("partition %s.%s: %v", n.GetNode(), p.GetSource(), p))
			}
		}
	}
	if seen != len(held) {
		differences = append(differences, fmt.Sprintf("the centre knows %d of %d nodes", seen, len(held)))
	}
	return differences
}
