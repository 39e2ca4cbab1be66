// Package feedrepair is the command that settles a service's partition of the feed after its database was restored from
// a backup. It compares the partition with reporting and changes nothing unless it is told to; see outbox.Repair for
// what it promises. It starts no goroutine.
package feedrepair

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/outbox"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// Options are the settings of this command only.
type Options struct {
	// ReportingAddr is the reporting service of the centre.
	ReportingAddr string `env:"REPORTING_ADDR"`
	// Repair is what Run does: nothing but to show (empty), apply, keep or withdraw.
	Repair string `env:"REPAIR"`
	// RepairOf lists the reports or cases to keep or withdraw by pseudonym, or is "all".
	RepairOf []string `env:"REPAIR_OF"`
}

// Config of a repair. The partition is that of the tenant.
type Config struct {
	service.Config
	Options

	DatabaseOwnerURL string
	SigningKeyFile   string
}

// Required are the settings that Run requires.
func (c Config) Required() []service.Setting {
	return []service.Setting{
		{Name: "PARI_DATABASE_OWNER_URL", Value: c.DatabaseOwnerURL},
		{Name: "PARI_SIGNING_KEY_FILE", Value: c.SigningKeyFile},
		{Name: "PARI_IDENTITY_DIR", Value: c.IdentityDir}, {Name: "PARI_REPORTING_ADDR", Value: c.ReportingAddr},
	}
}

// Apply takes over the centre's position.
const Apply = "apply"

// Parts are what a service adds to Run.
type Parts struct {
	Name    string // of the service
	Records outbox.Records
	// ListCentre asks reporting what the centre has of the partition. Nil: with ListPartitionEvents.
	ListCentre func(reporting grpc.ClientConnInterface, p bus.Partition) outbox.ListCentre
	// Withdrawal encodes the event that withdraws a report or case. Nil: there is nothing to keep or withdraw, because
	// Records know everything.
	Withdrawal func(aggregate string) (outbox.Event, error)
}

// Run settles the service's partition of the feed after its database was restored from a backup, and writes what
// it finds to out. Without PARI_REPAIR it changes nothing. The service may run.
func Run(ctx context.Context, c Config, out io.Writer, parts Parts) error {
	if err := service.Require(c.Required()...); err != nil {
		return err
	}
	db, err := pg.Connect(ctx, c.DatabaseOwnerURL)
	if err != nil {
		return err
	}
	defer db.Close()
	p := bus.Partition{Tenant: c.Tenant, Source: parts.Name}
	switch {
	case c.Repair == "", c.Repair == Apply:
		return runRepair(ctx, c, db, p, out, parts)
	case parts.Withdrawal == nil:
		return fmt.Errorf("PARI_REPAIR takes %s, not %q", Apply, c.Repair)
	case c.Repair == outbox.Keep, c.Repair == outbox.Withdraw:
		return decideLost(ctx, c, db, p, out, parts)
	}
	return fmt.Errorf("PARI_REPAIR takes %s, %s or %s, not %q", Apply, outbox.Keep, outbox.Withdraw, c.Repair)
}

func runRepair(
	ctx context.Context, c Config, db *pgxpool.Pool, p bus.Partition, out io.Writer, parts Parts,
) error {
	signer, err := bus.LoadSigner(c.SigningKeyFile)
	if err != nil {
		return err
	}
	own, err := identity.NewSource(identity.SourceConfig{
		Dir: c.IdentityDir, DenyFile: c.DenyFile, MaxValidity: c.MaxCertValidity, Log: slog.Default(),
	})
	if err != nil {
		return err
	}
	centre := tenant.ID{Region: c.Tenant.Region, Node: tenant.CentreNode}
	conn, err := rpc.Dial(c.ReportingAddr, own, rpc.Service("reporting", tenant.Centre, centre))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if parts.ListCentre == nil {
		parts.ListCentre = listCentre
	}
	repair := outbox.Repair{
		DB: db, Partition: p, Signer: signer, Centre: parts.ListCentre(conn, p), Records: parts.Records,
	}
	done, err := repair.Run(ctx, c.Repair == "")
	if err != nil {
		return err
	}
	return printRepaired(out, p, done, c.Repair == "")
}

func printRepaired(out io.Writer, p bus.Partition, r outbox.Repaired, dryRun bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name  string
		value any
	}{
		{"partition", p}, {"numbered here up to", r.From.Announced}, {"same events up to", r.Common},
		{"centre has up to", r.To.Acknowledged}, {"centre knows of numbers up to", r.To.Announced},
		{"pending here, counted there", r.Taken}, {"pending here, numbered again", r.Renumbered},
		{"only at the centre", len(r.OnlyCentre)}, {"continued after the centre's events", len(r.Continued)},
	} {
		_, _ = fmt.Fprintf(w, "%s\t%v\n", row.name, row.value)
	}
	for _, e := range r.OnlyCentre {
		_, _ = fmt.Fprintf(w, "  number %d\t%s %s\n", e.NodeSeq, e.Type, e.Aggregate)
	}
	switch {
	case r.To.Acknowledged == r.Common && r.To.Announced <= r.From.Announced:
		_, _ = fmt.Fprintln(w, "nothing to repair")
	case r.To.Announced > r.To.Acknowledged:
		_, _ = fmt.Fprintln(w, "the centre has not applied all that it knows of: wait, or events may be lost to you")
	}
	if dryRun {
		_, _ = fmt.Fprintln(w, "nothing was changed: PARI_REPAIR=apply takes over the centre's position")
	} else if slices.ContainsFunc(r.OnlyCentre, func(e outbox.CentreEvent) bool {
		return !slices.Contains(r.Continued, e.Aggregate)
	}) {
		_, _ = fmt.Fprintln(w, "decide with PARI_REPAIR=keep or withdraw, and PARI_REPAIR_OF=<pseudonym>,… or all")
	}
	return w.Flush()
}

// decideLost keeps or withdraws what only the centre has, or lists it when nothing is named.
func decideLost(
	ctx context.Context, c Config, db *pgxpool.Pool, p bus.Partition, out io.Writer, parts Parts,
) error {
	lost, err := outbox.ListLost(ctx, db, p)
	if err != nil {
		return err
	}
	named := c.RepairOf
	if strings.Join(named, ",") == "all" {
		named = nil
		for _, l := range lost {
			named = append(named, l.Aggregate)
		}
	}
	n, err := outbox.DecideLost(ctx, db, p, c.Repair, named, parts.Withdrawal)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s: %d\n", c.Repair, n)
	if lost, err = outbox.ListLost(ctx, db, p); err != nil {
		return err
	}
	for _, l := range lost {
		if l.Decision == "" {
			_, _ = fmt.Fprintf(out, "not decided: %s\n", l.Aggregate)
		}
	}
	return nil
}
