// Package bench measures Pari beside a baseline: the least that any correct implementation must do, without checks, on
// the same Postgres and NATS, in the same run, in turns with ours. Absolute figures depend on the machine; the ratio of
// the medians does so much less. A higher ratio is always better.
//
// Run starts a network for each scenario and stops it. A measurement starts goroutines for its load and its baseline,
// and ends them before it returns.
package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Result is one entry of build/bench.json. Figures that were not measured are 0.
type Result struct {
	Name       string  `json:"name"`
	Unit       string  `json:"unit"`
	Ours       float64 `json:"ours"`
	Baseline   float64 `json:"baseline"`
	Ratio      float64 `json:"ratio"`
	P50        float64 `json:"p50_ms"`
	P95        float64 `json:"p95_ms"`
	P99        float64 `json:"p99_ms"`
	Conditions string  `json:"conditions"`
}

// Write writes results as a JSON list.
func Write(w io.Writer, results []Result) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	if err := out.Encode(results); err != nil {
		return fmt.Errorf("write bench results: %w", err)
	}
	return nil
}

// Read reads the output of Write.
func Read(r io.Reader) ([]Result, error) {
	var results []Result
	if err := json.NewDecoder(r).Decode(&results); err != nil {
		return nil, fmt.Errorf("read bench results: %w", err)
	}
	return results, nil
}

// Show writes results as a table.
func Show(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NAME\tOURS\tBASELINE\tUNIT\tRATIO\tP50 ms\tP95 ms\tP99 ms")
	for _, r := range results {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t%s\n", r.Name, formatFigure(r.Ours),
			formatFigure(r.Baseline), r.Unit, r.Ratio, formatFigure(r.P50), formatFigure(r.P95), formatFigure(r.P99))
	}
	return t.Flush()
}

// formatFigure formats a figure with its significant digits, and a figure that was not measured as a dash.
func formatFigure(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
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
