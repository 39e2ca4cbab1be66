// Package app assembles and runs intake. It is the only package that knows all of its parts; main, `pari-dev up` and
// the tests start intake through it. Run starts the gRPC server, the relay, the hand-over worker and maintenance, and
// waits for them.
package app

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/version"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/intake/internal/api"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/store"
)

// Name of the service, in its certificate and in its partition of the feed.
const Name = "intake"

// Config of intake. In the environment every name begins with PARI_.
type Config struct {
	nodeservice.Config

	// CaseManagementAddr is the address of case management, which opens a case for each report taken in charge.
	CaseManagementAddr string `env:"CASEMANAGEMENT_ADDR"`
	// CloseDayEvery lets the counts of anonymous reports leave that often, also today's. It is for trying and
	// developing only. 0 lets them leave when their day has closed.
	CloseDayEvery time.Duration `env:"CLOSE_DAY_EVERY"`
	// CasesFile is the list of case management's cases that ReopenHandovers compares with, and Reopen lets it change
	// ("apply") instead of show.
	CasesFile string `env:"CASES_FILE"`
	Reopen    string `env:"REOPEN"`

	// Now replaces the clock of the host when it is set.
	Now func() time.Time `env:"-"`
}

// Migrate brings both databases up to date.
func Migrate(ctx context.Context, c Config) error {
	return c.Migrate(ctx, store.Migrate)
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	cases := service.Setting{Name: "PARI_CASEMANAGEMENT_ADDR", Value: c.CaseManagementAddr}
	if err := service.Require(append(c.Settings(), cases)...); err != nil {
		return err
	}
	return service.Run(ctx, Name, version.Commit(), c.Config.Config, func(ctx context.Context, a *service.App) error {
		return build(ctx, a, c)
	})
}

func build(ctx context.Context, a *service.App, c Config) error {
	directory, err := a.Directory(c.DirectoryAddr)
	if err != nil {
		return err
	}
	d, err := nodeservice.Open(ctx, a, c.Config, store.Schemas, codeLists(directory))
	if err != nil {
		return err
	}
	reports, cases := store.New(d.DB), handover.Clients{}
	for _, t := range d.Tenants {
		conn, err := a.DialAs(d.Identities[t], c.CaseManagementAddr, "casemanagement", t)
		if err != nil {
			return err
		}
		cases[t] = casemanagementv1.NewCaseManagementServiceClient(conn)
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	handovers := handover.NewWorker(reports, cases, a.Log, now)
	a.Group.Go("hand-overs", handovers.Run)
	closer := &feed.DayCloser{
		Reports: reports, Tenants: d.Tenants, Every: c.CloseDayEvery, WakeRelay: d.WakeRelays, Log: a.Log,
		Now: now,
	}
	a.Group.Go("day close", closer.Run)
	return a.Serve(ctx, d.Codes.Current, d.Codes.Ready(), func(r grpc.ServiceRegistrar) {
		intakev1.RegisterIntakeServiceServer(r, &api.Server{
			Reports: reports, Keys: d.Keys, Recent: idempotency.NewRecent(), Secrets: d.Secrets, Handovers: handovers,
			NumberPrefixes: d.NumberPrefixes, WakeRelay: d.WakeRelays, Now: now,
		})
	})
}

// codeLists returns a function that fetches the code lists from the directory.
func codeLists(conn grpc.ClientConnInterface) replica.Fetch {
	directory := directoryv1.NewDirectoryServiceClient(conn)
	return func(ctx context.Context, knownDigest string) ([]*vocabularyv1.Vocabulary, error) {
		resp, err := directory.ListVocabularies(ctx, &directoryv1.ListVocabulariesRequest{KnownDigest: knownDigest})
		return resp.GetVocabularies(), err
	}
}
