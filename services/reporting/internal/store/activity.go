package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

// applyActivity applies an event of the directory to its fact and to the cells.
func (f *facts) applyActivity(at aggregateKey, seq int64, e fact.ActivityCounted, codes fact.Codes) error {
	old := f.activities[at].value
	next, err := old.Apply(seq, e, codes)
	if err != nil {
		return err
	}
	f.activities[at] = tracked[fact.Activity]{next, true}
	f.cells.Replace(old.Cells(), next.Cells())
	return nil
}

func (f *facts) applyIndicators(at aggregateKey, seq int64, e fact.IndicatorsCounted, codes fact.Codes) error {
	old := f.indicators[at].value
	next, err := old.Apply(seq, e, codes)
	if err != nil {
		return err
	}
	f.indicators[at] = tracked[fact.Indicators]{next, true}
	f.cells.Replace(old.Cells(), next.Cells())
	return nil
}

const (
	// activityColumns and indicatorColumns are the columns that scanActivities and scanIndicators read, in their order.
	activityColumns  = `node, aggregate, seq, measures, years, nodes, counts`
	indicatorColumns = `node, aggregate, seq, programme, codes, years, targets, counts`

	selectActivities = `
		select ` + activityColumns + ` from fact_activity
		where region = $1 and (node, aggregate) in (select * from unnest($2::text[], $3::text[]))`
	selectIndicators = `
		select ` + indicatorColumns + ` from fact_indicator
		where region = $1 and (node, aggregate) in (select * from unnest($2::text[], $3::text[]))`
)

// readActivities reads the results of selectActivities and selectIndicators.
func (f *facts) readActivities(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	if err := scanActivities(rows, func(node, aggregate string, a fact.Activity) {
		f.activities[aggregateKey{node, SourceDirectory, aggregate}] = tracked[fact.Activity]{value: a}
	}); err != nil {
		return err
	}
	if rows, err = results.Query(); err != nil {
		return err
	}
	return scanIndicators(rows, func(node, aggregate string, i fact.Indicators) {
		f.indicators[aggregateKey{node, SourceDirectory, aggregate}] = tracked[fact.Indicators]{value: i}
	})
}

const (
	upsertActivity = `
		insert into fact_activity (region, ` + activityColumns + `) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (region, node, aggregate) do update set seq = excluded.seq, measures = excluded.measures,
		       years = excluded.years, nodes = excluded.nodes, counts = excluded.counts`
	upsertIndicators = `
		insert into fact_indicator (region, ` + indicatorColumns + `) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (region, node, aggregate) do update set seq = excluded.seq, programme = excluded.programme,
		       codes = excluded.codes, years = excluded.years, targets = excluded.targets, counts = excluded.counts`
)

// queueActivities queues the statements that write the changed facts of the directory.
func (f *facts) queueActivities(b *pgx.Batch, region string) {
	for at, a := range f.activities {
		if a.changed {
			queueActivity(b, region, at, a.value)
		}
	}
	for at, i := range f.indicators {
		if i.changed {
			queueIndicators(b, region, at, i.value)
		}
	}
}

func queueActivity(b *pgx.Batch, region string, at aggregateKey, a fact.Activity) {
	n := len(a.Rows)
	measures, years, nodes, counts := make([]string, n), make([]int32, n), make([]string, n), make([]int64, n)
	for i, r := range a.Rows {
		measures[i], years[i], nodes[i], counts[i] = r.Measure, int32(r.Year), r.Node, r.Value
	}
	b.Queue(upsertActivity, region, at.node, at.aggregate, a.Seq, measures, years, nodes, counts)
}

func queueIndicators(b *pgx.Batch, region string, at aggregateKey, p fact.Indicators) {
	n := len(p.Rows)
	codes, years, targets, counts := make([]string, n), make([]int32, n), make([]int64, n), make([]int64, n)
	for i, r := range p.Rows {
		codes[i], years[i], targets[i], counts[i] = r.Code, int32(r.Year), r.Target, r.Value
	}
	b.Queue(upsertIndicators, region, at.node, at.aggregate, p.Seq, p.Programme, codes, years, targets, counts)
}

func scanActivities(rows pgx.Rows, f func(node, aggregate string, a fact.Activity)) error {
	var (
		node, aggregate string
		seq             int64
		measures, nodes []string
		years           []int32
		counts          []int64
	)
	_, err := pgx.ForEachRow(rows, []any{&node, &aggregate, &seq, &measures, &years, &nodes, &counts}, func() error {
		a := fact.Activity{Seq: seq}
		for i := range measures {
			a.Rows = append(a.Rows, fact.ActivityRow{
				Measure: measures[i], Year: int(years[i]), Node: nodes[i], Value: counts[i],
			})
		}
		f(node, aggregate, a)
		return nil
	})
	return err
}

func scanIndicators(rows pgx.Rows, f func(node, aggregate string, i fact.Indicators)) error {
	var (
		node, aggregate, programme string
		seq                        int64
		codes                      []string
		years                      []int32
		targets, counts            []int64
	)
	columns := []any{&node, &aggregate, &seq, &programme, &codes, &years, &targets, &counts}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		p := fact.Indicators{Seq: seq, Programme: programme}
		for i := range codes {
			p.Rows = append(p.Rows, fact.IndicatorRow{
				Code: codes[i], Year: int(years[i]), Target: targets[i], Value: counts[i],
			})
		}
		f(node, aggregate, p)
		return nil
	})
	return err
}
