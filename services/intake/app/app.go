// Package app puts intake together: the only place that knows all of its parts. Main, `pari-dev up` and the tests start it from
// here.
package app

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/pkg/service"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	"github.com/retepari/pari/services/intake/internal/api"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/store"
)

// Name of the service: its certificate, its line of the feed, its database.
const Name = "intake"

// Version is set by the build.
var Version = "dev"

// Config of intake. In the environment every name begins with PARI_.
type Config struct {
	service.PersonalConfig

	// CaseManagementAddr is where reports that are taken in charge go.
	CaseManagementAddr string `env:"CASEMANAGEMENT_ADDR"`
}

// Migrate brings both databases up to date.
func Migrate(ctx context.Context, c Config) error {
	return c.Migrate(ctx, store.Migrate)
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	if err := service.Need(append(c.Settings(), service.Setting{Name: "PARI_CASEMANAGEMENT_ADDR", Value: c.CaseManagementAddr})...); err != nil {
		return err
	}
	return service.Run(ctx, Name, Version, c.Config, func(ctx context.Context, f *service.Frame) error { return build(ctx, f, c) })
}

func build(ctx context.Context, f *service.Frame, c Config) error {
	p, err := f.Personal(ctx, c.PersonalConfig)
	if err != nil {
		return err
	}
	cases, err := f.Dial(c.CaseManagementAddr, "casemanagement", c.Node)
	if err != nil {
		return err
	}
	reports := store.New(p.Pool)
	handovers := handover.New(reports, casemanagementv1.NewCaseManagementServiceClient(cases), []string{c.Node}, f.Log, time.Now)
	f.Group.Go("hand-overs", handovers.Run)
	return f.Serve(ctx, p.Codes.Current, p.Codes.Ready(), func(r grpc.ServiceRegistrar) {
		intakev1.RegisterIntakeServiceServer(r, &api.Server{
			Reports: reports, Keys: p.Keys, Secrets: p.Secrets, Handovers: handovers, Signs: p.Signs, Stored: p.Relay.Wake, Log: f.Log, Now: time.Now,
		})
	})
}
