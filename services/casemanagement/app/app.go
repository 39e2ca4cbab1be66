// Package app assembles and runs case management. It is the only package that knows all of its parts; main,
// `pari-dev up` and the tests start case management through it. Run starts the gRPC server, the relay and maintenance,
// and waits for them.
package app

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/version"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/casemanagement/internal/api"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// Name of the service, in its certificate and in its partition of the feed.
const Name = "casemanagement"

// Config of case management. In the environment every name begins with PARI_.
type Config struct{ nodeservice.Config }

// Migrate brings both databases up to date.
func Migrate(ctx context.Context, c Config) error {
	return c.Migrate(ctx, store.Migrate)
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	if err := service.Require(c.Settings()...); err != nil {
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
	encoder := feed.Encoder{
		Group: func(list, code string) string { return d.Codes.Current().Group(list, code) },
		Known: func(list, code string) bool { _, ok := d.Codes.Current().Lookup(list, code); return ok },
	}
	cases := store.New(d.DB, encoder.Encode)
	return a.Serve(ctx, d.Codes.Current, d.Codes.Ready(), func(r grpc.ServiceRegistrar) {
		casemanagementv1.RegisterCaseManagementServiceServer(r, &api.Server{
			Cases: cases, Keys: d.Keys, Secrets: d.Secrets, NumberPrefixes: d.NumberPrefixes, WakeRelay: d.WakeRelays,
			Now: time.Now,
			Disposition: func(verdict string) casefile.Disposition {
				return casefile.DispositionOf(d.Codes.Current().Group("assessment", verdict))
			},
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
