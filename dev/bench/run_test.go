package bench

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestRun_UnknownNameListsNames(t *testing.T) {
	t.Parallel()
	_, err := Run(context.Background(), []string{"intake.sumbit"}, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "intake.submit.c1, intake.submit.c10") {
		t.Fatalf("got %v", err)
	}
}

// Ensure that each measurement of submitting and of the feed runs for one short round, ours and the baseline, on a
// complete network. The figures mean nothing.
func TestMeasurements(t *testing.T) {
	t.Parallel()
	e, err := newEnv(context.Background(), activeRelay, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	e.size = size{rounds: 1, duration: 200 * time.Millisecond, feedRounds: 1, steadyEvents: 60, backlog: 200}
	for _, m := range measurements() {
		if m.scenario != activeRelay {
			continue
		}
		r, err := m.run(context.Background(), e)
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		if r.Ours <= 0 || r.Baseline <= 0 || r.Unit == "" || r.Conditions == "" {
			t.Errorf("%s: got %+v", m.name, r)
		}
		if m.name != "feed.throughput" && r.P99 <= 0 {
			t.Errorf("%s: got %+v, want a p99", m.name, r)
		}
	}
	if err := e.waitApplied(context.Background()); err != nil {
		t.Error(err)
	}
}
