// Package bench measures what Pari does beside a floor: the least that any honest implementation has to do, built bare, on
// the same Postgres and NATS, in the same run, alternating with ours. Machines are noisy, so what counts is the ratio of
// the medians; it is always better when higher.
package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Result is one line of build/bench.json.
type Result struct {
	Name       string  `json:"name"`
	Unit       string  `json:"unit"`
	Ours       float64 `json:"ours"`
	Floor      float64 `json:"floor"`
	Ratio      float64 `json:"ratio"`
	P50        float64 `json:"p50_ms"`
	P95        float64 `json:"p95_ms"`
	P99        float64 `json:"p99_ms"`
	Conditions string  `json:"conditions"`
}

// Write prints results as a JSON list.
func Write(w io.Writer, results []Result) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	if err := out.Encode(results); err != nil {
		return fmt.Errorf("write bench results: %w", err)
	}
	return nil
}

// Show prints results as a table for people.
func Show(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NAME\tOURS\tFLOOR\tUNIT\tRATIO\tP50 ms\tP95 ms\tP99 ms")
	for _, r := range results {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t%s\n", r.Name, figure(r.Ours), figure(r.Floor), r.Unit, r.Ratio, figure(r.P50), figure(r.P95), figure(r.P99))
	}
	return t.Flush()
}

// figure writes as many digits as mean something; what was not measured is a dash.
func figure(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// Read reads what Write wrote.
func Read(r io.Reader) ([]Result, error) {
	var results []Result
	if err := json.NewDecoder(r).Decode(&results); err != nil {
		return nil, fmt.Errorf("read bench results: %w", err)
	}
	return results, nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// percentile returns the p-th percentile (0-100) of the latencies in milliseconds, by nearest rank.
func percentile(latencies []time.Duration, p float64) float64 {
	if len(latencies) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(latencies))
	rank := int(float64(len(sorted))*p/100+0.5) - 1
	return float64(sorted[min(max(rank, 0), len(sorted)-1)]) / float64(time.Millisecond)
}
