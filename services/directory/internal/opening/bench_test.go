package opening_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// benchSchedule has split hours, a change of season, closures, a monthly rule, and holidays.
const benchSchedule = `{
	"hours": [
		{"weekday": 1, "opens": "08:30", "closes": "12:30"}, {"weekday": 1, "opens": "13:30", "closes": "15:30"},
		{"weekday": 2, "opens": "09:00", "closes": "13:00"},
		{"weekday": 3, "opens": "09:00", "closes": "17:00", "valid_to": "2035-06-30"},
		{"weekday": 3, "opens": "10:00", "closes": "16:00", "valid_from": "2035-07-01"}
	],
	"exceptions": [
		{"from": "2026-08-10", "to": "2026-08-21", "closed": true},
		{"from": "2030-12-24", "hours": [{"opens": "09:00", "closes": "11:00"}]},
		{"from": "2020-01-01", "rrule": "FREQ=MONTHLY;BYDAY=1MO", "closed": true}
	],
	"holidays": "CLOSED",
	"place": "015146"
}`

// BenchmarkEvaluate measures how long the engine takes to tell whether an office is open and when that changes, at
// times spread over twenty years. The baseline converts the same times to day and time in Rome, where every evaluation
// begins. Both run in turns, so that they see the same noise. The metric "ratio" is baseline/engine: higher is better.
func BenchmarkEvaluate(b *testing.B) {
	const (
		turn   = 1000 // evaluations of the engine, then of the baseline
		steps  = 100_000
		period = 20 * 365 * 24 * time.Hour
	)
	var schedule opening.Schedule
	if err := json.Unmarshal([]byte(benchSchedule), &schedule); err != nil {
		b.Fatal(err)
	}
	plan, err := opening.Compile(schedule)
	if err != nil {
		b.Fatal(err)
	}
	first := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	evaluations, trueResults := 0, 0
	run := func(evaluate func(time.Time) bool) time.Duration {
		start := time.Now()
		for i := evaluations; i < evaluations+turn; i++ {
			if evaluate(first.Add(period / steps * time.Duration(i*7919%steps))) {
				trueResults++
			}
		}
		return time.Since(start)
	}
	var engine, baseline time.Duration
	for b.Loop() {
		baseline += run(convertToRome)
		engine += run(func(t time.Time) bool { return plan.StateAt(t).Open })
		evaluations += turn
	}
	if trueResults == 0 {
		b.Fatal("the office is never open")
	}
	b.ReportMetric(0, "ns/op") // an operation is a turn of both
	b.ReportMetric(float64(engine.Nanoseconds())/float64(evaluations), "ns/evaluation")
	b.ReportMetric(float64(baseline.Nanoseconds())/float64(evaluations), "ns/baseline")
	b.ReportMetric(float64(baseline)/float64(engine), "ratio")
}

// convertToRome returns false. It uses each result, so that the compiler leaves none out.
func convertToRome(t time.Time) bool {
	local := t.In(tz.Rome)
	year, month, day := local.Date()
	hour, minute, _ := local.Clock()
	return year+int(month)+day+hour+minute+int(local.Weekday()) == 0
}
