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

// Ensure that one round of ours and of the baseline runs on a complete network. Its figures mean nothing.
func TestMeasureSubmit(t *testing.T) {
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
	e.rounds, e.duration = 1, 200*time.Millisecond
	r, err := measureSubmit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ours <= 0 || r.Baseline <= 0 || r.P99 <= 0 || r.Conditions == "" {
		t.Errorf("got %+v", r)
	}
	if err := e.waitApplied(context.Background()); err != nil {
		t.Error(err)
	}
}
