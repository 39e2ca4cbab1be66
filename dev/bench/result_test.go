package bench

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestPercentile_UsesNearestRank(t *testing.T) {
	t.Parallel()
	var latencies []time.Duration
	for i := 100; i >= 1; i-- {
		latencies = append(latencies, time.Duration(i)*time.Millisecond)
	}
	for p, want := range map[float64]float64{0: 1, 50: 50, 95: 95, 99: 99, 100: 100} {
		if got := percentile(latencies, p); got != want {
			t.Errorf("p%v = %v, want %v", p, got, want)
		}
	}
}

// Ensure that an error ends the round and is returned.
func TestClosedLoop_StopsAtFirstError(t *testing.T) {
	t.Parallel()
	want := errors.New("broken")
	_, err := closedLoop(context.Background(), 3, time.Minute, func(context.Context, int) error { return want })
	if !errors.Is(err, want) {
		t.Fatalf("got %v", err)
	}
}

// Ensure that baseline and ours run in turns, and that the figures are medians of the rounds.
func TestAlternate(t *testing.T) {
	t.Parallel()
	var order string
	figures := []float64{10, 30, 20}
	got, err := alternate(3,
		func() (round, error) {
			order += "o"
			n := len(order)/2 - 1
			return round{figure: figures[n], latencies: []time.Duration{time.Duration(n+1) * time.Millisecond}}, nil
		},
		func() (round, error) { order += "b"; return round{figure: 40}, nil })
	want := Result{Ours: 20, Baseline: 40, P50: 2, P95: 3, P99: 3}
	if err != nil || order != "bobobo" || got != want {
		t.Fatalf("got %+v in the order %s, %v", got, order, err)
	}
}

func TestRead_ReadsWhatWriteWrote(t *testing.T) {
	t.Parallel()
	want := []Result{{
		Name: "intake.submit.c1", Unit: "reports/s", Ours: 1, Baseline: 2, Ratio: 0.5, P50: 1, P95: 2, P99: 3,
		Conditions: "here",
	}}
	var file bytes.Buffer
	if err := Write(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
