package bench

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestRun_ListsWhatThereIs(t *testing.T) {
	t.Parallel()
	_, err := Run(context.Background(), []string{"intake.sumbit"}, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "intake.submit.c1, intake.submit.c10") {
		t.Fatalf("got %v", err)
	}
}

// Ensure one round of each kind runs on a whole network; its figures mean nothing.
func TestSubmit_OnANetwork(t *testing.T) {
	t.Parallel()
	w, stop, err := open(context.Background(), feeding, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	w.rounds, w.span = 1, 200*time.Millisecond
	r, err := submit(context.Background(), w, 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ours <= 0 || r.Floor <= 0 || r.P99 <= 0 || r.Conditions == "" {
		t.Errorf("got %+v", r)
	}
	if err := w.settle(context.Background()); err != nil {
		t.Error(err)
	}
}
