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

func TestPercentile_IsByNearestRank(t *testing.T) {
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

// Ensure a load that fails gives no figure.
func TestClosedLoop_StopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := closedLoop(context.Background(), 3, time.Minute, func(context.Context, int) error { return broken })
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

// Ensure ours and floor take turns and the medians are of whole rounds.
func TestAlternate(t *testing.T) {
	t.Parallel()
	var order string
	rates := []float64{10, 30, 20}
	ours, floor, latencies, err := alternate(3,
		func() (round, error) {
			order += "o"
			return round{figure: rates[len(order)/2-1], latencies: []time.Duration{1}}, nil
		},
		func() (round, error) { order += "f"; return round{figure: 40}, nil })
	if err != nil || order != "fofofo" || ours != 20 || floor != 40 || len(latencies) != 3 {
		t.Fatalf("got %v %v %v %v %v", ours, floor, latencies, order, err)
	}
}

func TestResults_SurviveTheFile(t *testing.T) {
	t.Parallel()
	want := []Result{{Name: "intake.submit.c1", Unit: "reports/s", Ours: 1, Floor: 2, Ratio: 0.5, P50: 1, P95: 2, P99: 3, Conditions: "here"}}
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
