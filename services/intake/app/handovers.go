package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/feedrepair"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/store"
)

// maxListed is how many dead-lettered hand-overs ListHandovers prints.
const maxListed = 1000

// ListHandovers prints the dead-lettered hand-overs: id, report, failed attempts and the reason of the last.
func ListHandovers(ctx context.Context, c Config) error {
	db, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := store.New(db).ListDeadLetteredHandovers(ctx, c.Tenant, maxListed)
	if err != nil {
		return err
	}
	for _, h := range found {
		_, _ = fmt.Fprintln(os.Stdout, h.ID, h.ReportID, h.Attempts, h.Reason)
	}
	return nil
}

// RetryHandovers makes all dead-lettered hand-overs pending again; the running service retries them.
func RetryHandovers(ctx context.Context, c Config) error {
	db, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	n, err := store.New(db).RetryHandovers(ctx, c.Tenant, time.Now())
	if err == nil {
		_, _ = fmt.Fprintln(os.Stdout, "retried:", n)
	}
	return err
}

// ReopenHandovers prints the reports whose case is not in PARI_CASES_FILE, which `casemanagement list-cases` writes:
// case management was restored to an older state than intake. It only prints them unless PARI_REOPEN is "apply"; the
// running service then hands them over again.
func ReopenHandovers(ctx context.Context, c Config) error {
	if err := service.Require(service.Setting{Name: "PARI_CASES_FILE", Value: c.CasesFile}); err != nil {
		return err
	}
	db, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	file, err := os.Open(c.CasesFile)
	if err != nil {
		return fmt.Errorf("list of cases: %w", err)
	}
	defer func() { _ = file.Close() }()
	known, err := nodeservice.ReadCases(file, c.Tenant)
	if err != nil {
		return err
	}
	dryRun := c.Reopen != feedrepair.Apply
	lost, err := handover.Reopen(ctx, store.New(db), c.Tenant, known, dryRun, time.Now())
	for _, h := range lost {
		_, _ = fmt.Fprintln(os.Stdout, h.ReportID, h.Number, "had", h.CaseID, h.CaseNumber)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, "reports whose case is unknown:", len(lost))
	if dryRun {
		_, _ = fmt.Fprintln(os.Stdout, "nothing was changed: PARI_REOPEN=apply lets them be handed over again")
	}
	return nil
}

// connect opens the service's database for a command that works on the tenant that PARI_TENANT names.
func connect(ctx context.Context, c Config) (*pgxpool.Pool, error) {
	one, err := c.ForTenant(func(c nodeservice.Config) []service.Setting {
		return []service.Setting{{Name: "PARI_DATABASE_URL", Value: c.DatabaseURL}}
	})
	if err != nil {
		return nil, err
	}
	return pg.Connect(ctx, one.DatabaseURL)
}
