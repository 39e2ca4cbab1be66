package pg

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Insert is a statement that adds rows to a table, many at once.
type Insert struct {
	columns int
	sql     [len(chunkSizes)]string // by chunk size
}

// chunkSizes are how many rows one statement takes. The sizes are few, because each connection prepares each statement
// that it sees.
var chunkSizes = [...]int{16, 4, 1}

// InsertInto returns the Insert for these columns of a table.
func InsertInto(table string, columns ...string) Insert {
	insert := Insert{columns: len(columns)}
	for i, size := range chunkSizes {
		insert.sql[i] = fmt.Sprintf("insert into %s (%s) values %s",
			table, strings.Join(columns, ", "), placeholders(size, len(columns)))
	}
	return insert
}

// placeholders returns ($1, $2), ($3, $4) for two rows of two columns.
func placeholders(rows, columns int) string {
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

// SQL is the statement for one row.
func (i Insert) SQL() string { return i.sql[len(chunkSizes)-1] }

// Queue adds rows to a batch. Each row has a value for every column; another length is a bug and panics.
func (i Insert) Queue(b *pgx.Batch, rows ...[]any) {
	for n, size := range chunkSizes {
		for len(rows) >= size {
			args := make([]any, 0, size*i.columns)
			for _, row := range rows[:size] {
				if len(row) != i.columns {
					panic(fmt.Sprintf("pg: a row has %d values for %d columns", len(row), i.columns))
				}
				args = append(args, row...)
			}
			b.Queue(i.sql[n], args...)
			rows = rows[size:]
		}
	}
}
