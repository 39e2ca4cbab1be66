package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// truncateReplica also notifies the running service of the change.
	truncateReplica   = `truncate entry, vocabulary, directory_state; notify directory_changed, 'reload'`
	recreateCopyTable = `drop table if exists bench_copy;
		create table bench_copy (kind text, id text, content jsonb, primary key (kind, id))`
	selectEntries = `select kind, id, content::text from entry where current`
	insertCopies  = `insert into bench_copy select * from unnest($1::text[], $2::text[], $3::jsonb[])`
)

// truncateReplica deletes all rows of a node's replica.
func (e *env) truncateReplica(ctx context.Context, node string) error {
	conn, err := pgx.Connect(ctx, e.net.Env("directory." + node)["PARI_DATABASE_OWNER_URL"])
	if err != nil {
		return fmt.Errorf("truncate replica: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, truncateReplica); err != nil {
		return fmt.Errorf("truncate replica: %w", err)
	}
	return nil
}

// copyRows reads all current entries from the centre's database and inserts them into a table of the baseline. It
// returns how long that took.
func (e *env) copyRows(ctx context.Context) (time.Duration, error) {
	if _, err := e.baselineDB.Exec(ctx, recreateCopyTable); err != nil {
		return 0, err
	}
	conn, err := pgx.Connect(ctx, e.net.Env("directory")["PARI_DATABASE_URL"])
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	start := time.Now()
	rows, err := conn.Query(ctx, selectEntries)
	if err != nil {
		return 0, err
	}
	var kinds, ids, contents []string
	var kind, id, content string
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &content}, func() error {
		kinds, ids, contents = append(kinds, kind), append(ids, id), append(contents, content)
		return nil
	})
	if err != nil {
		return 0, err
	}
	if _, err := e.baselineDB.Exec(ctx, insertCopies, kinds, ids, contents); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}
