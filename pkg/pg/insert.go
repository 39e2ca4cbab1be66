package pg

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Insert adds rows to a table, many in one statement.
type Insert struct {
	width int
	text  [len(pieces)]string
}

// pieces are how many rows a statement takes: few sizes, because each connection prepares each statement that it sees.
var pieces = [...]int{16, 4, 1}

// InsertInto returns an Insert for these columns of a table.
func InsertInto(table string, columns ...string) Insert {
	i := Insert{width: len(columns)}
	for n, piece := range pieces {
		i.text[n] = fmt.Sprintf("insert into %s (%s) values %s", table, strings.Join(columns, ", "), places(piece, len(columns)))
	}
	return i
}

// places writes ($1, $2), ($3, $4) for two rows of two.
func places(rows, columns int) string {
	all := make([]string, rows)
	for r := range all {
		row := make([]string, columns)
		for c := range row {
			row[c] = fmt.Sprintf("$%d", r*columns+c+1)
		}
		all[r] = "(" + strings.Join(row, ", ") + ")"
	}
	return strings.Join(all, ", ")
}

// SQL is the statement for one row, for tests that prepare all statements.
func (i Insert) SQL() string { return i.text[len(pieces)-1] }

// Queue adds rows to a batch, each with a value for every column.
func (i Insert) Queue(b *pgx.Batch, rows ...[]any) {
	for n, piece := range pieces {
		for len(rows) >= piece {
			args := make([]any, 0, piece*i.width)
			for _, row := range rows[:piece] {
				if len(row) != i.width {
					panic("a row has not a value for every column") // a mistake in the program, which its first test sees
				}
				args = append(args, row...)
			}
			b.Queue(i.text[n], args...)
			rows = rows[piece:]
		}
	}
}
