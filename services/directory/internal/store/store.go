// Package store keeps what the directory serves in Postgres. Load writes it, as the owner of the tables, all or nothing;
// Follow reads it, as a role that cannot write, and again whenever something was loaded. Older versions of lists and states
// of entries are kept; reading looks at the current ones alone.
package store

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database up to date. It wants the owner's address.
func Migrate(ctx context.Context, ownerURL string) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return pg.Migrate(ctx, ownerURL, sub, "directory_version")
}

// Contents is everything that is current.
type Contents struct {
	// Revision counts the loads that changed something; 0 when nothing was ever loaded.
	Revision int64
	// Lists are in the order of their names.
	Lists []vocabulary.List
	// Offices are in the order of the directory.
	Offices []office.Office
}

// statements are all that the store says to Postgres; a test prepares each.
var statements = map[string]string{
	"revision": `select revision from catalogue`,
	"lists":    `select name, version, title_it, title_en, groups, terms from vocabulary where current order by name`,
	"offices":  `select entry from office where current order by region, node, office_id`,
	"listen":   `listen directory_loaded`,
}

// read returns the contents as of one moment.
func read(ctx context.Context, conn interface {
	BeginTx(context.Context, pgx.TxOptions) (pgx.Tx, error)
}) (Contents, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Contents{}, fmt.Errorf("read directory: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	c, err := contents(ctx, tx)
	if err != nil {
		return Contents{}, fmt.Errorf("read directory: %w", err)
	}
	return c, nil
}

func contents(ctx context.Context, tx pgx.Tx) (c Contents, err error) {
	if c.Revision, err = revision(ctx, tx); err != nil {
		return Contents{}, err
	}
	rows, err := tx.Query(ctx, statements["lists"])
	if err != nil {
		return Contents{}, err
	}
	if c.Lists, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l vocabulary.List, err error) {
		var terms []byte
		if err = row.Scan(&l.Name, &l.Version, &l.TitleIT, &l.TitleEN, &l.Groups, &terms); err != nil {
			return l, err
		}
		return l, json.Unmarshal(terms, &l.Terms)
	}); err != nil {
		return Contents{}, err
	}
	if rows, err = tx.Query(ctx, statements["offices"]); err != nil {
		return Contents{}, err
	}
	c.Offices, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o office.Office, err error) {
		var entry []byte
		if err = row.Scan(&entry); err != nil {
			return o, err
		}
		return o, json.Unmarshal(entry, &o)
	})
	return c, err
}

func revision(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) (n int64, err error) {
	err = db.QueryRow(ctx, statements["revision"]).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return n, err
}
