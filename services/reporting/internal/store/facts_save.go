package store

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/services/reporting/internal/fact"
)

const (
	deleteActions = `delete from fact_action where region = $1 and node = $2 and pseudonym = $3`
	insertAction  = `
		insert into fact_action (region, node, pseudonym, seq, month, code, result) values ($1, $2, $3, $4, $5, $6, $7)`
)

// queue queues the statements that write the changed facts and their cells.
func (f *facts) queue(b *pgx.Batch, region string) {
	f.queueReports(b, region)
	for at, c := range f.cases {
		if c.changed {
			queueCase(b, region, at, c.value)
		}
	}
	for at := range f.restricted {
		b.Queue(deleteActions, region, at.node, at.aggregate)
	}
	for _, a := range f.actions {
		b.Queue(insertAction, region, a.at.node, a.at.aggregate, a.seq, monthToInt(a.Month), a.Code, a.Result)
	}
	f.queueActivities(b, region)
	f.queueCells(b, region)
}

const upsertReports = `
	insert into fact_report (region, ` + reportColumns + `)
	select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::integer[], $6::text[], $7::text[], $8::boolean[],
	     $9::boolean[])
	on conflict (region, node, pseudonym) do update set seq = excluded.seq, received = excluded.received,
	       channel = excluded.channel, reporter_role = excluded.reporter_role, anonymous = excluded.anonymous,
	       withdrawn = excluded.withdrawn`

func (f *facts) queueReports(b *pgx.Batch, region string) {
	var (
		nodes, pseudonyms, channels, roles []string
		seqs                               []int64
		received                           []int32
		anonymous, withdrawn               []bool
	)
	for at, r := range f.reports {
		if !r.changed {
			continue
		}
		nodes, pseudonyms, seqs = append(nodes, at.node), append(pseudonyms, at.aggregate), append(seqs, r.value.Seq)
		received, channels = append(received, int32(monthToInt(r.value.Month))), append(channels, r.value.Channel)
		roles, anonymous = append(roles, r.value.ReporterRole), append(anonymous, r.value.Anonymous)
		withdrawn = append(withdrawn, r.value.Withdrawn)
	}
	if len(pseudonyms) > 0 {
		b.Queue(upsertReports, region, nodes, pseudonyms, seqs, received, channels, roles, anonymous,
			withdrawn)
	}
}

const upsertCase = `
	insert into fact_case (region, ` + caseColumns + `)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
	       $24, $25, $26, $27)
	on conflict (region, node, pseudonym) do update set seq = excluded.seq, opened = excluded.opened,
	       received = excluded.received, channel = excluded.channel, reporter_role = excluded.reporter_role,
	       actions = excluded.actions, restricted = excluded.restricted, verdict = excluded.verdict,
	       pertinent = excluded.pertinent, grounds = excluded.grounds, main_ground = excluded.main_ground,
	       ground_group = excluded.ground_group, type = excluded.type, flags = excluded.flags, field = excluded.field,
	       field_group = excluded.field_group, author_kinds = excluded.author_kinds, incident = excluded.incident,
	       event_territory = excluded.event_territory, residence_territory = excluded.residence_territory,
	       closed = excluded.closed, outcome = excluded.outcome, outcome_group = excluded.outcome_group,
	       secondary_outcomes = excluded.secondary_outcomes`

func queueCase(b *pgx.Batch, region string, at aggregateKey, c fact.Case) {
	b.Queue(upsertCase, region, at.node, at.aggregate, c.Seq, monthToInt(c.Opened), monthToInt(c.Received), c.Channel,
		c.ReporterRole, c.Actions, c.Restricted, c.Verdict, c.Pertinent, notNil(c.Grounds), c.MainGround, c.GroundGroup,
		c.Type, notNil(c.Flags), c.Field, c.FieldGroup, notNil(c.AuthorKinds), monthToInt(c.Incident), c.EventTerritory,
		c.ResidenceTerritory, monthToInt(c.Closed), c.Outcome, c.OutcomeGroup, notNil(c.SecondaryOutcomes))
}

// notNil copies codes into a slice that is not nil, because a nil slice is stored as null.
func notNil(codes []string) []string { return append([]string{}, codes...) }

const (
	incrementCells = `
		insert into cell as old (region, table_code, year, a, b, c, count, changed_at)
		select $1, *, date_trunc('hour', now())
		from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[])
		on conflict (region, table_code, year, a, b, c) do update set
		       count = old.count + excluded.count, changed_at = excluded.changed_at`
	// An upsert checks the constraints of the new row before it finds the conflict, so a negative change needs an
	// update.
	decrementCells = `
		update cell set count = cell.count + d.count, changed_at = date_trunc('hour', now())
		from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[])
		     as d (table_code, year, a, b, c, count)
		where region = $1
		  and (cell.table_code, cell.year, cell.a, cell.b, cell.c) = (d.table_code, d.year, d.a, d.b, d.c)`
)

// queueCells queues the changes in a fixed order, so that transactions that change the same cells do not deadlock.
func (f *facts) queueCells(b *pgx.Batch, region string) {
	cells := slices.SortedFunc(maps.Keys(f.cells), func(x, y fact.Cell) int {
		return cmp.Or(cmp.Compare(x.Table, y.Table), cmp.Compare(x.Year, y.Year), cmp.Compare(x.A, y.A),
			cmp.Compare(x.B, y.B), cmp.Compare(x.C, y.C))
	})
	var increments, decrements cellColumns
	for _, c := range cells {
		if n := f.cells[c]; n > 0 {
			increments.add(c, n)
		} else {
			decrements.add(c, n)
		}
	}
	increments.queue(b, incrementCells, region)
	decrements.queue(b, decrementCells, region)
}

// cellColumns holds changes of cells as arrays, one per column.
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
