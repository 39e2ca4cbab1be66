package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

// aggregate names a report or a case within a region. Reports and cases have lines of their own, so the source is part of
// the name.
type aggregate struct{ node, source, name string }

// facts are those that a batch changes, as they were and as they are.
type facts struct {
	blocked map[aggregate]bool // an event of it is parked
	reports map[aggregate]versions[fact.Report]
	cases   map[aggregate]versions[fact.Case]
	actions []recorded
	// What the entries of the directory count.
	activities map[aggregate]versions[fact.Activity]
	indicators map[aggregate]versions[fact.Indicators]
	forget     map[aggregate]bool // sealed meanwhile: actions recorded before are let go
	cells      fact.Delta
}

// versions of a fact: as the database has it, and now.
type versions[F any] struct {
	now     F
	changed bool
}

// recorded is an action of a case.
type recorded struct {
	of  aggregate
	seq int64
	fact.ActionRecorded
}

func (facts) aggregate(e Event) aggregate {
	return aggregate{e.Partition.Node, e.Partition.Source, e.Aggregate}
}

// change lets an event change its fact, and the cells with it.
func (f *facts) change(l *lineState, e Event, read Read, codes fact.Codes) error {
	c, err := read(e.Partition, e.Type, e.Aggregate, e.Data)
	if err != nil {
		return err
	}
	at := f.aggregate(e)
	switch {
	case c.Activity != nil:
		return f.changeActivity(at, e.AggregateSeq, *c.Activity, codes)
	case c.Indicators != nil:
		return f.changeIndicators(at, e.AggregateSeq, *c.Indicators, codes)
	}
	if c.Report != nil {
		old := f.reports[at].now
		next, err := old.Apply(e.AggregateSeq, *c.Report, codes)
		if err != nil {
			return err
		}
		if old.Seq == 0 {
			l.reports++
		}
		f.reports[at] = versions[fact.Report]{next, true}
		f.cells.Change(old.Cells(at.node), next.Cells(at.node))
		return nil
	}
	old := f.cases[at].now
	next, err := old.Apply(e.AggregateSeq, c.Case, codes)
	if err != nil {
		return err
	}
	if old.Seq == 0 {
		l.cases++
	}
	if action, ok := c.Case.(fact.ActionRecorded); ok && next.Actions > old.Actions {
		f.actions = append(f.actions, recorded{at, e.AggregateSeq, action})
	}
	if next.Sealed {
		f.forget[at] = true
		f.actions = slices.DeleteFunc(f.actions, func(a recorded) bool { return a.of == at })
	}
	f.cases[at] = versions[fact.Case]{next, true}
	f.cells.Change(old.Cells(at.node), next.Cells(at.node))
	return nil
}

var (
	selectBlocked = statement("select blocked", `
		select distinct node, source, aggregate from parked
		where region = $1 and class <> 'gap' and (node, source, aggregate) in (select * from unnest($2::text[], $3::text[], $4::text[]))`)
	selectReports = statement("select reports", `
		select node, pseudonym, seq, received, channel, reporter_role, anonymous from fact_report
		where region = $1 and (node, pseudonym) in (select * from unnest($2::text[], $3::text[]))`)
	selectCases = statement("select cases", `
		select node, pseudonym, seq, opened, received, channel, reporter_role, actions, sealed, verdict, pertinent, grounds, main_ground,
		       ground_group, type, flags, field, field_group, author_kinds, incident, event_territory, residence_territory, closed,
		       outcome, outcome_group, secondary_outcomes
		from fact_case
		where region = $1 and (node, pseudonym) in (select * from unnest($2::text[], $3::text[]))`)
)

// load fetches the facts that the batch may change, and which of them are blocked.
func (t *taking) load(ctx context.Context) error {
	var next []Event
	for _, l := range t.lines {
		next = append(next, l.sequence.next...)
	}
	var err error
	t.facts, err = loadFacts(ctx, t.tx, t.batch.Region, next)
	return err
}

func loadFacts(ctx context.Context, tx pgx.Tx, region string, events []Event) (facts, error) {
	f := facts{
		blocked: map[aggregate]bool{}, forget: map[aggregate]bool{}, cells: fact.Delta{},
		reports: map[aggregate]versions[fact.Report]{}, cases: map[aggregate]versions[fact.Case]{},
		activities: map[aggregate]versions[fact.Activity]{}, indicators: map[aggregate]versions[fact.Indicators]{},
	}
	if len(events) == 0 {
		return f, nil
	}
	var nodes, sources, names []string
	asked := map[aggregate]bool{}
	source := map[[2]string][]string{} // facts do not know which line made them
	for _, e := range events {
		at := f.aggregate(e)
		if !asked[at] {
			asked[at] = true
			nodes, sources, names = append(nodes, at.node), append(sources, at.source), append(names, at.name)
			source[[2]string{at.node, at.name}] = append(source[[2]string{at.node, at.name}], at.source)
		}
	}
	b := &pgx.Batch{}
	b.Queue(selectBlocked, region, nodes, sources, names)
	b.Queue(selectReports, region, nodes, names)
	b.Queue(selectCases, region, nodes, names)
	if fromDirectory(sources) {
		b.Queue(selectActivities, region, nodes, names)
		b.Queue(selectIndicators, region, nodes, names)
	}
	err := run(ctx, tx, b, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		var at aggregate
		if _, err := pgx.ForEachRow(rows, []any{&at.node, &at.source, &at.name}, func() error {
			f.blocked[at] = true
			return nil
		}); err != nil {
			return err
		}
		if rows, err = results.Query(); err != nil {
			return err
		}
		if err := eachReport(rows, func(node, name string, r fact.Report) {
			for _, s := range source[[2]string{node, name}] {
				f.reports[aggregate{node, s, name}] = versions[fact.Report]{now: r}
			}
		}); err != nil {
			return err
		}
		if rows, err = results.Query(); err != nil {
			return err
		}
		if err := eachCase(rows, func(node, name string, c fact.Case) {
			for _, s := range source[[2]string{node, name}] {
				f.cases[aggregate{node, s, name}] = versions[fact.Case]{now: c}
			}
		}); err != nil || !fromDirectory(sources) {
			return err
		}
		return f.loadActivities(results)
	})
	if err != nil {
		return facts{}, fmt.Errorf("load facts: %w", err)
	}
	return f, nil
}

func eachReport(rows pgx.Rows, f func(node, name string, r fact.Report)) error {
	var (
		node, name string
		r          fact.Report
		received   int
	)
	_, err := pgx.ForEachRow(rows, []any{&node, &name, &r.Seq, &received, &r.Channel, &r.ReporterRole, &r.Anonymous}, func() error {
		r.Month = month(received)
		f(node, name, r)
		return nil
	})
	return err
}

func eachCase(rows pgx.Rows, f func(node, name string, c fact.Case)) error {
	for rows.Next() {
		var (
			node, name                         string
			c                                  fact.Case
			opened, received, incident, closed int
		)
		if err := rows.Scan(&node, &name, &c.Seq, &opened, &received, &c.Channel, &c.ReporterRole, &c.Actions, &c.Sealed, &c.Verdict,
			&c.Pertinent, &c.Grounds, &c.MainGround, &c.GroundGroup, &c.Type, &c.Flags, &c.Field, &c.FieldGroup, &c.AuthorKinds, &incident,
			&c.EventTerritory, &c.ResidenceTerritory, &closed, &c.Outcome, &c.OutcomeGroup, &c.SecondaryOutcomes); err != nil {
			return err
		}
		c.Opened, c.Received, c.Incident, c.Closed = month(opened), month(received), month(incident), month(closed)
		f(node, name, c)
	}
	return rows.Err()
}

func month(n int) fact.Month    { return fact.Month{Year: n / 100, Month: n % 100} }
func monthInt(m fact.Month) int { return m.Year*100 + m.Month }
