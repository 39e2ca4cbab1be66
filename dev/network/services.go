package network

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	casemanagement "github.com/retepari/pari/services/casemanagement/app"
	directory "github.com/retepari/pari/services/directory/app"
	intake "github.com/retepari/pari/services/intake/app"
	reporting "github.com/retepari/pari/services/reporting/app"
)

// maxMigrations bounds how many databases are migrated at the same time.
const maxMigrations = 4

// processOptions are the settings of a service in this process that its environment cannot carry.
type processOptions struct {
	telemetry *telemetry.Telemetry
	ready     func()
	now       func() time.Time // of intake; nil means time.Now
}

func (o processOptions) applyTo(c *service.Config) { c.Telemetry, c.Ready = o.telemetry, o.ready }

// Migrate brings all databases up to date, and loads the directory.
func (p *Plan) Migrate(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxMigrations)
	for _, s := range p.Services() {
		g.Go(func() error { return migrate(ctx, s, p.Env(s)) })
	}
	return g.Wait()
}

func migrate(ctx context.Context, name string, env map[string]string) error {
	switch kind, _, _ := strings.Cut(name, "."); kind {
	case "directory":
		return withConfig(ctx, env, func(ctx context.Context, c directory.Config) error {
			if err := directory.Migrate(ctx, c); err != nil || !c.Tenant.IsCentre() {
				return err
			}
			_, err := directory.Load(ctx, c)
			return err
		})
	case "reporting":
		return withConfig(ctx, env, reporting.Migrate)
	case "intake":
		return withConfig(ctx, env, intake.Migrate)
	case "casemanagement":
		return withConfig(ctx, env, casemanagement.Migrate)
	default:
		return errors.New("there is no service " + name)
	}
}

// serve runs a service until ctx ends.
func serve(ctx context.Context, name string, env map[string]string, o processOptions) error {
	switch kind, _, _ := strings.Cut(name, "."); kind {
	case "directory":
		return withConfig(ctx, env, func(ctx context.Context, c directory.Config) error {
			o.applyTo(&c.Config)
			return directory.Run(ctx, c)
		})
	case "reporting":
		return withConfig(ctx, env, func(ctx context.Context, c reporting.Config) error {
			o.applyTo(&c.Config)
			return reporting.Run(ctx, c)
		})
	case "intake":
		return withConfig(ctx, env, func(ctx context.Context, c intake.Config) error {
			o.applyTo(&c.Config.Config)
			c.Now = o.now
			return intake.Run(ctx, c)
		})
	case "casemanagement":
		return withConfig(ctx, env, func(ctx context.Context, c casemanagement.Config) error {
			o.applyTo(&c.Config.Config)
			return casemanagement.Run(ctx, c)
		})
	default:
		return errors.New("there is no service " + name)
	}
}

// withConfig parses the configuration of a service and passes it to call.
func withConfig[C any](ctx context.Context, env map[string]string, call func(context.Context, C) error) error {
	c, err := service.FromMap[C](env)
	if err != nil {
		return err
	}
	return call(ctx, c)
}
