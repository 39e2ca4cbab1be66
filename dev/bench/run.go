package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// measurement measures one figure in the env of a scenario.
type measurement struct {
	name     string
	scenario scenario
	run      func(ctx context.Context, e *env) (Result, error)
}

func measurements() []measurement {
	submitWith := func(clients int) func(context.Context, *env) (Result, error) {
		return func(ctx context.Context, e *env) (Result, error) { return measureSubmit(ctx, e, clients) }
	}
	return []measurement{
		{"intake.submit.c1", idleRelay, submitWith(1)},
		{"intake.submit.c10", idleRelay, submitWith(10)},
		{"intake.submit.c40", idleRelay, submitWith(40)},
		{"intake.submit.c40.feeding", activeRelay, submitWith(40)},
		{"feed.end_to_end", activeRelay, measureEndToEnd},
		{"feed.throughput", activeRelay, measureThroughput},
		{"directory.find", threeNodes, measureFind},
		{"directory.replica.full", threeNodes, measureFullReplication},
		{"directory.replica.change", threeNodes, measureChangeReplication},
		{"hosted.flood", twoHosted, measureFlood},
	}
}

// Names lists the measurements.
func Names() []string {
	var names []string
	for _, m := range measurements() {
		names = append(names, m.name)
	}
	return names
}

// Run runs the named measurements, or all, each scenario on a network that Run starts and stops.
func Run(ctx context.Context, names []string, progress func(string)) (results []Result, err error) {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("%q cannot be measured; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	for _, s := range []scenario{idleRelay, activeRelay, threeNodes, twoHosted} {
		var selected []measurement
		for _, m := range measurements() {
			if m.scenario == s && (len(names) == 0 || slices.Contains(names, m.name)) {
				selected = append(selected, m)
			}
		}
		if len(selected) == 0 {
			continue
		}
		more, err := runScenario(ctx, s, selected, progress)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// runScenario runs measurements one after the other in a new env.
func runScenario(
	ctx context.Context, s scenario, selected []measurement, progress func(string),
) (results []Result, err error) {
	e, err := newEnv(ctx, s, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close(ctx)) }()
	for _, m := range selected {
		progress("measuring " + m.name)
		r, err := m.run(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		r.Name = m.name
		if r.Ratio == 0 && r.Baseline > 0 {
			r.Ratio = r.Ours / r.Baseline
		}
		r.Conditions = fmt.Sprintf("%s; %d cores, GOMAXPROCS %d; network of %d nodes, load and baseline in one "+
			"process, Postgres beside it on the same disk, durable; %s",
			r.Conditions, runtime.NumCPU(), runtime.GOMAXPROCS(0), len(e.net.Nodes),
			time.Now().UTC().Format(time.DateOnly))
		progress(fmt.Sprintf("  %s %s, baseline %s, ratio %.2f",
			formatFigure(r.Ours), r.Unit, formatFigure(r.Baseline), r.Ratio))
		results = append(results, r)
	}
	return results, nil
}
