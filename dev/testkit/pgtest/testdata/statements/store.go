// Package statements is parsed by the test of PrepareStatements. It is never built.
package statements

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
)

const columns = `id, text`

const (
	selectNote = `select ` + columns + ` from note`
	passedOn   = `update note set text = $1`
	notSQL     = `updated`
)

var (
	insertNote  = pg.InsertInto("note", "id", "text")
	insertTable = pg.InsertInto(table(), "id")
)

func use(ctx context.Context, tx pgx.Tx, b *pgx.Batch, argument string) {
	_, _ = tx.Query(ctx, selectNote)
	_ = tx.QueryRow(ctx, `values (1)`)
	_, _ = tx.Exec(ctx, argument)
	_, _ = tx.Exec(ctx, `delete from `+table())
	b.Queue(`begin`)
	b.Queue(insertNote.SQL())
	run(passedOn)
}
