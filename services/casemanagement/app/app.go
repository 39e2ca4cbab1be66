// Package app puts case management together: the only place that knows all of its parts. Main, `pari-dev up` and the tests start
// it from here.
package app

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/service"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/api"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// Name of the service: its certificate, its line of the feed, its database.
const Name = "casemanagement"

// Version is set by the build.
var Version = "dev"

// Config of case management. In the environment every name begins with PARI_.
type Config struct{ service.PersonalConfig }

// Migrate brings both databases up to date.
func Migrate(ctx context.Context, c Config) error {
	return c.Migrate(ctx, store.Migrate)
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	if err := service.Need(c.Settings()...); err != nil {
		return err
	}
	return service.Run(ctx, Name, Version, c.Config, func(ctx context.Context, f *service.Frame) error { return build(ctx, f, c) })
}

func build(ctx context.Context, f *service.Frame, c Config) error {
	p, err := f.Personal(ctx, c.PersonalConfig)
	if err != nil {
		return err
	}
	cases := store.New(p.Pool, feed.Writer{
		Group: func(list, code string) string { return p.Codes.Current().Group(list, code) },
		Known: func(list, code string) bool { _, ok := p.Codes.Current().Lookup(list, code); return ok },
	}.Write)
	return f.Serve(ctx, p.Codes.Current, p.Codes.Ready(), func(r grpc.ServiceRegistrar) {
		casemanagementv1.RegisterCaseManagementServiceServer(r, &api.Server{
			Cases: cases, Keys: p.Keys, Secrets: p.Secrets, Signs: p.Signs, Stored: p.Relay.Wake, Log: f.Log, Now: time.Now,
			Course: func(verdict string) casefile.Course {
				return casefile.CourseOf(p.Codes.Current().Group("assessment", verdict))
			},
		})
	})
}
