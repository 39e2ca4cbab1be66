package store

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

const (
	activityColumns  = `node, pseudonym, seq, measures, years, nodes, counts`
	indicatorColumns = `node, pseudonym, seq, programme, codes, years, targets, counts`
)

var (
	selectActivities = statement("select activities", `
		select `+activityColumns+` from fact_activity
		where region = $1 and (node, pseudonym) in (select * from unnest($2::text[], $3::text[]))`)
	selectIndicators = statement("select indicators", `
		select `+indicatorColumns+` from fact_indicator
		where region = $1 and (node, pseudonym) in (select * from unnest($2::text[], $3::text[]))`)
	selectAllActivities = statement("select all activities", `select `+activityColumns+` from fact_activity where region = $1`)
	selectAllIndicators = statement("select all indicators", `select `+indicatorColumns+` from fact_indicator where region = $1`)
	saveActivity        = statement("save activity", `
		insert into fact_activity (region, `+activityColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (region, node, pseudonym) do update set seq = excluded.seq, measures = excluded.measures, years = excluded.years,
		       nodes = excluded.nodes, counts = excluded.counts`)
	saveIndicators = statement("save indicators", `
		insert into fact_indicator (region, `+indicatorColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (region, node, pseudonym) do update set seq = excluded.seq, programme = excluded.programme, codes = excluded.codes,
		       years = excluded.years, targets = excluded.targets, counts = excluded.counts`)
)

// changeActivity lets an event of the directory change its fact, and the cells with it.
func (f *facts) changeActivity(at aggregate, seq int64, e fact.ActivityCounted, codes fact.Codes) error {
	old := f.activities[at].now
	next, err := old.Apply(seq, e, codes)
	if err != nil {
		return err
	}
	f.activities[at] = versions[fact.Activity]{next, true}
	f.cells.Replace(old.Cells(), next.Cells())
	return nil
}

func (f *facts) changeIndicators(at aggregate, seq int64, e fact.IndicatorsCounted, codes fact.Codes) error {
	old := f.indicators[at].now
	next, err := old.Apply(seq, e, codes)
	if err != nil {
		return err
	}
	f.indicators[at] = versions[fact.Indicators]{next, true}
	f.cells.Replace(old.Cells(), next.Cells())
	return nil
}

// loadActivities takes the answers to the two questions about the directory.
func (f *facts) loadActivities(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	if err := eachActivity(rows, func(node, name string, a fact.Activity) {
		f.activities[aggregate{node, Directory, name}] = versions[fact.Activity]{now: a}
	}); err != nil {
		return err
	}
	if rows, err = results.Query(); err != nil {
		return err
	}
	return eachIndicators(rows, func(node, name string, i fact.Indicators) {
		f.indicators[aggregate{node, Directory, name}] = versions[fact.Indicators]{now: i}
	})
}

// queueActivities writes the facts of the directory that have changed.
func (f *facts) queueActivities(b *pgx.Batch, region string) {
	for at, v := range f.activities {
		if !v.changed {
			continue
		}
		n := len(v.now.Rows)
		measures, years, nodes, counts := make([]string, n), make([]int32, n), make([]string, n), make([]int64, n)
		for i, r := range v.now.Rows {
			measures[i], years[i], nodes[i], counts[i] = r.Measure, int32(r.Year), r.Node, r.Value
		}
		b.Queue(saveActivity, region, at.node, at.name, v.now.Seq, measures, years, nodes, counts)
	}
	for at, v := range f.indicators {
		if !v.changed {
			continue
		}
		n := len(v.now.Rows)
		codes, years, targets, counts := make([]string, n), make([]int32, n), make([]int64, n), make([]int64, n)
		for i, r := range v.now.Rows {
			codes[i], years[i], targets[i], counts[i] = r.Code, int32(r.Year), r.Target, r.Value
		}
		b.Queue(saveIndicators, region, at.node, at.name, v.now.Seq, v.now.Programme, codes, years, targets, counts)
	}
}

func eachActivity(rows pgx.Rows, f func(node, name string, a fact.Activity)) error {
	var (
		node, name      string
		seq             int64
		measures, nodes []string
		years           []int32
		counts          []int64
	)
	_, err := pgx.ForEachRow(rows, []any{&node, &name, &seq, &measures, &years, &nodes, &counts}, func() error {
		a := fact.Activity{Seq: seq}
		for i := range measures {
			a.Rows = append(a.Rows, fact.ActivityRow{Measure: measures[i], Year: int(years[i]), Node: nodes[i], Value: counts[i]})
		}
		f(node, name, a)
		return nil
	})
	return err
}

func eachIndicators(rows pgx.Rows, f func(node, name string, i fact.Indicators)) error {
	var (
		node, name, programme string
		seq                   int64
		codes                 []string
		years                 []int32
		targets, counts       []int64
	)
	_, err := pgx.ForEachRow(rows, []any{&node, &name, &seq, &programme, &codes, &years, &targets, &counts}, func() error {
		p := fact.Indicators{Seq: seq, Programme: programme}
		for i := range codes {
			p.Rows = append(p.Rows, fact.IndicatorRow{Code: codes[i], Year: int(years[i]), Target: targets[i], Value: counts[i]})
		}
		f(node, name, p)
		return nil
	})
	return err
}

// fromDirectory tells whether any of the events may change a fact of the directory: most batches change none, and do not ask.
func fromDirectory(sources []string) bool { return slices.Contains(sources, Directory) }
