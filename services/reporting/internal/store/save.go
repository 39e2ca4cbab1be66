package store

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

var (
	saveReports = statement("save reports", `
		insert into fact_report (region, node, pseudonym, seq, received, channel, reporter_role, anonymous)
		select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::integer[], $6::text[], $7::text[], $8::boolean[])
		on conflict (region, node, pseudonym) do update set seq = excluded.seq, received = excluded.received,
		       channel = excluded.channel, reporter_role = excluded.reporter_role, anonymous = excluded.anonymous`)
	saveCase = statement("save case", `
		insert into fact_case (region, node, pseudonym, seq, opened, received, channel, reporter_role, actions, sealed, verdict, pertinent,
		       grounds, main_ground, ground_group, type, flags, field, field_group, author_kinds, incident, event_territory,
		       residence_territory, closed, outcome, outcome_group, secondary_outcomes)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
		on conflict (region, node, pseudonym) do update set seq = excluded.seq, opened = excluded.opened, received = excluded.received,
		       channel = excluded.channel, reporter_role = excluded.reporter_role, actions = excluded.actions, sealed = excluded.sealed,
		       verdict = excluded.verdict, pertinent = excluded.pertinent, grounds = excluded.grounds, main_ground = excluded.main_ground,
		       ground_group = excluded.ground_group, type = excluded.type, flags = excluded.flags, field = excluded.field,
		       field_group = excluded.field_group, author_kinds = excluded.author_kinds, incident = excluded.incident,
		       event_territory = excluded.event_territory, residence_territory = excluded.residence_territory, closed = excluded.closed,
		       outcome = excluded.outcome, outcome_group = excluded.outcome_group, secondary_outcomes = excluded.secondary_outcomes`)
	forgetActions = statement("forget actions", `
		delete from fact_action where region = $1 and node = $2 and pseudonym = $3`)
	insertAction = statement("insert action", `
		insert into fact_action (region, node, pseudonym, seq, month, code, result) values ($1, $2, $3, $4, $5, $6, $7)`)
	addCells = statement("add cells", `
		insert into cell as was (region, tbl, year, a, b, c, n, changed_at)
		select $1, *, date_trunc('hour', now()) from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[])
		on conflict (region, tbl, year, a, b, c) do update set n = was.n + excluded.n, changed_at = excluded.changed_at`)
	// A row to insert is checked before it is found to be there: what goes down needs a statement of its own.
	takeCells = statement("take cells", `
		update cell set n = cell.n + d.n, changed_at = date_trunc('hour', now())
		from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[]) as d (tbl, year, a, b, c, n)
		where region = $1 and (cell.tbl, cell.year, cell.a, cell.b, cell.c) = (d.tbl, d.year, d.a, d.b, d.c)`)
)

// queue writes the facts that have changed and the cells that they changed.
func (f *facts) queue(b *pgx.Batch, region string) {
	f.queueReports(b, region)
	for at, v := range f.cases {
		if v.changed {
			queueCase(b, region, at, v.now)
		}
	}
	for at := range f.forget {
		b.Queue(forgetActions, region, at.node, at.name)
	}
	for _, a := range f.actions {
		b.Queue(insertAction, region, a.of.node, a.of.name, a.seq, monthInt(a.Month), a.Code, a.Result)
	}
	f.queueActivities(b, region)
	f.queueCells(b, region)
}

func (f *facts) queueReports(b *pgx.Batch, region string) {
	var (
		nodes, names, channels, roles []string
		seqs                          []int64
		received                      []int32
		anonymous                     []bool
	)
	for at, v := range f.reports {
		if !v.changed {
			continue
		}
		nodes, names, seqs = append(nodes, at.node), append(names, at.name), append(seqs, v.now.Seq)
		received, channels = append(received, int32(monthInt(v.now.Month))), append(channels, v.now.Channel)
		roles, anonymous = append(roles, v.now.ReporterRole), append(anonymous, v.now.Anonymous)
	}
	if len(names) > 0 {
		b.Queue(saveReports, region, nodes, names, seqs, received, channels, roles, anonymous)
	}
}

func queueCase(b *pgx.Batch, region string, at aggregate, c fact.Case) {
	b.Queue(saveCase, region, at.node, at.name, c.Seq, monthInt(c.Opened), monthInt(c.Received), c.Channel, c.ReporterRole, c.Actions,
		c.Sealed, c.Verdict, c.Pertinent, list(c.Grounds), c.MainGround, c.GroundGroup, c.Type, list(c.Flags), c.Field, c.FieldGroup,
		list(c.AuthorKinds), monthInt(c.Incident), c.EventTerritory, c.ResidenceTerritory, monthInt(c.Closed), c.Outcome, c.OutcomeGroup,
		list(c.SecondaryOutcomes))
}

// list is never null.
func list(codes []string) []string { return append([]string{}, codes...) }

func (f *facts) queueCells(b *pgx.Batch, region string) {
	// In one order, so that two transactions that change the same cells do not wait for each other.
	cells := slices.SortedFunc(maps.Keys(f.cells), func(x, y fact.Cell) int {
		return cmp.Or(cmp.Compare(x.Table, y.Table), cmp.Compare(x.Year, y.Year), cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B), cmp.Compare(x.C, y.C))
	})
	var up, down cellColumns
	for _, c := range cells {
		if n := f.cells[c]; n > 0 {
			up.add(c, n)
		} else {
			down.add(c, n)
		}
	}
	up.queue(b, addCells, region)
	down.queue(b, takeCells, region)
}

// cellColumns are cells as arrays, one per column.
type cellColumns struct {
	tables, as, bs, cs []string
	years              []int32
	counts             []int64
}

func (l *cellColumns) add(c fact.Cell, n int64) {
	l.tables, l.years = append(l.tables, c.Table), append(l.years, int32(c.Year))
	l.as, l.bs, l.cs, l.counts = append(l.as, c.A), append(l.bs, c.B), append(l.cs, c.C), append(l.counts, n)
}

func (l *cellColumns) queue(b *pgx.Batch, sql, region string) {
	if len(l.counts) > 0 {
		b.Queue(sql, region, l.tables, l.years, l.as, l.bs, l.cs, l.counts)
	}
}
