package network

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	casemanagement "github.com/retepari/pari/services/casemanagement/app"
	directory "github.com/retepari/pari/services/directory/app"
	intake "github.com/retepari/pari/services/intake/app"
	reporting "github.com/retepari/pari/services/reporting/app"
)

// frame is what a service in this process gets beside its environment.
type frame struct {
	telemetry *telemetry.Telemetry
	ready     func()
}

func (f frame) into(c *service.Config) { c.Telemetry, c.Ready = f.telemetry, f.ready }

// Migrate brings all databases up to date, and loads the directory.
func (p *Plan) Migrate(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range p.Services() {
		g.Go(func() error { return migrate(ctx, s, p.Env(s)) })
	}
	return g.Wait()
}

func migrate(ctx context.Context, name string, env map[string]string) error {
	switch name, _, _ = strings.Cut(name, "."); name {
	case "directory":
		c, err := service.FromMap[directory.Config](env)
		if err != nil {
			return err
		}
		if err := directory.Migrate(ctx, c); err != nil || c.Node != identity.Centre {
			return err
		}
		_, err = directory.Load(ctx, c)
		return err
	case "reporting":
		return with(ctx, env, reporting.Migrate)
	case "intake":
		return with(ctx, env, intake.Migrate)
	case "casemanagement":
		return with(ctx, env, casemanagement.Migrate)
	default:
		return errors.New("there is no service " + name)
	}
}

func with[C any](ctx context.Context, env map[string]string, do func(context.Context, C) error) error {
	c, err := service.FromMap[C](env)
	if err != nil {
		return err
	}
	return do(ctx, c)
}

// serve runs a service until ctx ends.
func serve(ctx context.Context, name string, env map[string]string, f frame) error {
	switch name, _, _ = strings.Cut(name, "."); name {
	case "directory":
		return with(ctx, env, func(ctx context.Context, c directory.Config) error { f.into(&c.Config); return directory.Run(ctx, c) })
	case "reporting":
		return with(ctx, env, func(ctx context.Context, c reporting.Config) error { f.into(&c.Config); return reporting.Run(ctx, c) })
	case "intake":
		return with(ctx, env, func(ctx context.Context, c intake.Config) error { f.into(&c.Config.Config); return intake.Run(ctx, c) })
	case "casemanagement":
		return with(ctx, env, func(ctx context.Context, c casemanagement.Config) error {
			f.into(&c.Config.Config)
			return casemanagement.Run(ctx, c)
		})
	default:
		return errors.New("there is no service " + name)
	}
}
