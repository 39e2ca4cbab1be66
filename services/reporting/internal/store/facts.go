package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

// aggregateKey identifies a report, a case or an entry within a region. The aggregate is a pseudonym, or the public
// name of an entry. Two sources of a node may use the same one, so the source is part of the key.
type aggregateKey struct{ node, source, aggregate string }

// facts holds the facts that a batch changes, and the effect on cells.
type facts struct {
	blocked    map[aggregateKey]bool // it has a dead-lettered event
	reports    map[aggregateKey]tracked[fact.Report]
	cases      map[aggregateKey]tracked[fact.Case]
	activities map[aggregateKey]tracked[fact.Activity]
	indicators map[aggregateKey]tracked[fact.Indicators]
	actions    []caseAction          // to be inserted
	restricted map[aggregateKey]bool // restricted and withdrawn cases, whose stored actions are deleted
	cells      fact.Delta
}

// tracked is the current value of a fact, and whether the batch changed it.
type tracked[F any] struct {
	value   F
	changed bool
}

// caseAction is an action recorded for a case.
type caseAction struct {
	at  aggregateKey
	seq int64
	fact.ActionRecorded
}

func (facts) aggregate(e Event) aggregateKey {
	return aggregateKey{e.Partition.Tenant.Node, e.Partition.Source, e.Aggregate}
}

// apply applies an event to its fact and to the cells.
func (f *facts) apply(p *partitionState, e Event, decode Decoder, codes fact.Codes) error {
	c, err := decode(e.Partition, e.Type, e.Aggregate, e.Data)
	if err != nil {
		return err
	}
	at := f.aggregate(e)
	switch {
	case c.Activity != nil:
		return f.applyActivity(at, e.AggregateSeq, *c.Activity, codes)
	case c.Indicators != nil:
		return f.applyIndicators(at, e.AggregateSeq, *c.Indicators, codes)
	case c.Report != nil:
		return f.applyReport(p, at, e.AggregateSeq, c.Report, codes)
	}
	return f.applyCase(p, at, e.AggregateSeq, c.Case, codes)
}

func (f *facts) applyReport(
	p *partitionState, at aggregateKey, seq int64, e fact.ReportEvent, codes fact.Codes,
) error {
	old := f.reports[at].value
	next, err := old.Apply(seq, e, codes)
	if err != nil {
		return err
	}
	switch {
	case next.Counted() && !old.Counted():
		p.reports++
	case old.Counted() && !next.Counted():
		p.reports--
	}
	f.reports[at] = tracked[fact.Report]{next, true}
	f.cells.Change(old.Cells(at.node), next.Cells(at.node))
	return nil
}

// countedChange returns by how much the number of counted facts changes.
func countedChange(before, after bool) int64 {
	switch {
	case before == after:
		return 0
	case after:
		return 1
	}
	return -1
}

func (f *facts) applyCase(p *partitionState, at aggregateKey, seq int64, e fact.CaseEvent, codes fact.Codes) error {
	old := f.cases[at].value
	next, err := old.Apply(seq, e, codes)
	if err != nil {
		return err
	}
	p.cases += countedChange(old.Counted(), next.Counted())
	if action, ok := e.(fact.ActionRecorded); ok && next.Actions > old.Actions {
		f.actions = append(f.actions, caseAction{at, seq, action})
	}
	if next.Restricted || !next.Counted() {
		f.restricted[at] = true
		f.actions = slices.DeleteFunc(f.actions, func(a caseAction) bool { return a.at == at })
	}
	f.cases[at] = tracked[fact.Case]{next, true}
	f.cells.Change(old.Cells(at.node), next.Cells(at.node))
	return nil
}

// load reads the facts that the batch may change, and which of them are blocked.
func (t *batchTx) load(ctx context.Context) error {
	var next []Event
	for _, p := range t.partitions {
		next = append(next, p.sequence.next...)
	}
	var err error
	t.facts, err = loadFacts(ctx, t.tx, t.batch.Region, next)
	return err
}

const (
	// reportColumns and caseColumns are the columns that scanReports and scanCases read, in their order.
	reportColumns = `node, pseudonym, seq, received, channel, reporter_role, anonymous, withdrawn`
	caseColumns   = `node, pseudonym, seq, opened, received, channel, reporter_role, actions, restricted, verdict,
		       pertinent, grounds, main_ground, ground_group, type, flags, field, field_group, author_kinds, incident,
		       event_territory, residence_territory, closed, outcome, outcome_group, secondary_outcomes`

	selectBlocked = `
		select distinct node, source, aggregate from unapplied_event
		where region = $1 and class <> 'gap'
		  and (node, source, aggregate) in (select * from unnest($2::text[], $3::text[], $4::text[]))`
	selectReports = `
		select ` + reportColumns + ` from fact_report
		where region = $1 and (node, pseudonym) in (select * from unnest($2::text[], $3::text[]))`
	selectCases = `
		select ` + caseColumns + ` from fact_case
		where region = $1 and (node, pseudonym) in (select * from unnest($2::text[], $3::text[]))`
)

// factKey identifies a fact as the database does. Facts do not record the source of their events.
type factKey struct{ node, aggregate string }

func loadFacts(ctx context.Context, tx pgx.Tx, region string, events []Event) (facts, error) {
	f := facts{
		blocked: map[aggregateKey]bool{}, restricted: map[aggregateKey]bool{}, cells: fact.Delta{},
		reports: map[aggregateKey]tracked[fact.Report]{}, cases: map[aggregateKey]tracked[fact.Case]{},
		activities: map[aggregateKey]tracked[fact.Activity]{}, indicators: map[aggregateKey]tracked[fact.Indicators]{},
	}
	if len(events) == 0 {
		return f, nil
	}
	var nodes, sources, aggregates []string
	seen := map[aggregateKey]bool{}
	sourcesOf := map[factKey][]string{}
	for _, e := range events {
		at := f.aggregate(e)
		if !seen[at] {
			seen[at] = true
			nodes, sources = append(nodes, at.node), append(sources, at.source)
			aggregates = append(aggregates, at.aggregate)
			key := factKey{at.node, at.aggregate}
			sourcesOf[key] = append(sourcesOf[key], at.source)
		}
	}
	b := &pgx.Batch{}
	b.Queue(selectBlocked, region, nodes, sources, aggregates)
	b.Queue(selectReports, region, nodes, aggregates)
	b.Queue(selectCases, region, nodes, aggregates)
	withDirectory := slices.Contains(sources, SourceDirectory) // most batches have no event of the directory
	if withDirectory {
		b.Queue(selectActivities, region, nodes, aggregates)
		b.Queue(selectIndicators, region, nodes, aggregates)
	}
	err := sendBatch(ctx, tx, b, func(results pgx.BatchResults) error {
		if err := f.readBlocked(results); err != nil {
			return err
		}
		if err := f.readCases(results, sourcesOf); err != nil || !withDirectory {
			return err
		}
		return f.readActivities(results)
	})
	if err != nil {
		return facts{}, fmt.Errorf("load facts: %w", err)
	}
	return f, nil
}

func (f *facts) readBlocked(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	var at aggregateKey
	_, err = pgx.ForEachRow(rows, []any{&at.node, &at.source, &at.aggregate}, func() error {
		f.blocked[at] = true
		return nil
	})
	return err
}

// readCases reads the results of selectReports and selectCases.
func (f *facts) readCases(results pgx.BatchResults, sourcesOf map[factKey][]string) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	if err := scanReports(rows, func(node, pseudonym string, r fact.Report) {
		for _, source := range sourcesOf[factKey{node, pseudonym}] {
			f.reports[aggregateKey{node, source, pseudonym}] = tracked[fact.Report]{value: r}
		}
	}); err != nil {
		return err
	}
	if rows, err = results.Query(); err != nil {
		return err
	}
	return scanCases(rows, func(node, pseudonym string, c fact.Case) {
		for _, source := range sourcesOf[factKey{node, pseudonym}] {
			f.cases[aggregateKey{node, source, pseudonym}] = tracked[fact.Case]{value: c}
		}
	})
}

func scanReports(rows pgx.Rows, f func(node, pseudonym string, r fact.Report)) error {
	var (
		node, pseudonym string
		r               fact.Report
		received        int
	)
	columns := []any{&node, &pseudonym, &r.Seq, &received, &r.Channel, &r.ReporterRole, &r.Anonymous,
		&r.Withdrawn}
	_, err := pgx.ForEachRow(rows, columns, func() error {
		r.Month = monthFromInt(received)
		f(node, pseudonym, r)
		return nil
	})
	return err
}

func scanCases(rows pgx.Rows, f func(node, pseudonym string, c fact.Case)) error {
	for rows.Next() {
		var (
			node, pseudonym                    string
			c                                  fact.Case
			opened, received, incident, closed int
		)
		err := rows.Scan(&node, &pseudonym, &c.Seq, &opened, &received, &c.Channel, &c.ReporterRole, &c.Actions,
			&c.Restricted, &c.Verdict, &c.Pertinent, &c.Grounds, &c.MainGround, &c.GroundGroup, &c.Type, &c.Flags,
			&c.Field, &c.FieldGroup, &c.AuthorKinds, &incident, &c.EventTerritory, &c.ResidenceTerritory, &closed,
			&c.Outcome, &c.OutcomeGroup, &c.SecondaryOutcomes)
		if err != nil {
			return err
		}
		c.Opened, c.Received = monthFromInt(opened), monthFromInt(received)
		c.Incident, c.Closed = monthFromInt(incident), monthFromInt(closed)
		f(node, pseudonym, c)
	}
	return rows.Err()
}

func monthFromInt(n int) fact.Month { return fact.Month{Year: n / 100, Month: n % 100} }
func monthToInt(m fact.Month) int   { return m.Year*100 + m.Month }
