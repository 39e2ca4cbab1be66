package natsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a broker in this process.
type Server struct {
	s   *server.Server
	log *slog.Logger
}

// Start runs a broker with a configuration written by Hub.Config or Leaf.Config, and waits until it takes connections.
func Start(ctx context.Context, config string, log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.Default()
	}
	o, err := options(config)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	log = log.With(slog.String("broker", o.ServerName))
	fatal := make(chan error, 1)
	s.SetLoggerV2(&logger{ctx: context.WithoutCancel(ctx), log: log, fatal: fatal}, false, false, false)
	s.Start()
	b := &Server{s: s, log: log}
	for wait := 30 * time.Second; !s.ReadyForConnections(100 * time.Millisecond); wait -= 100 * time.Millisecond {
		select {
		case err = <-fatal:
		default:
			err = ctx.Err()
		}
		if wait <= 0 || err != nil || !s.Running() {
			b.Stop()
			return nil, errors.Join(errors.New("broker does not take connections"), err)
		}
	}
	return b, nil
}

func options(config string) (*server.Options, error) {
	o := &server.Options{}
	if err := o.ProcessConfigString(config); err != nil {
		return nil, fmt.Errorf("broker configuration: %w", err)
	}
	o.NoSigs, o.NoLog = true, false
	return o, nil
}

// URL is where clients connect.
func (b *Server) URL() string { return b.s.ClientURL() }

// Leaves tells how many leaf links stand: nodes at the hub, 1 at a leaf whose link is up.
func (b *Server) Leaves() int { return b.s.NumLeafNodes() }

// Reload applies a changed configuration, or the same one to read certificate files again. Connections that remain
// allowed stay.
func (b *Server) Reload(config string) error {
	o, err := options(config)
	if err != nil {
		return err
	}
	if err := b.s.ReloadOptions(o); err != nil {
		return fmt.Errorf("broker reload: %w", err)
	}
	return nil
}

// Stop ends the broker and waits until its files are closed.
func (b *Server) Stop() {
	b.s.Shutdown()
	b.s.WaitForShutdown()
}

// logger passes on what an operator must see. Debug and trace are never turned on: they would print payloads.
type logger struct {
	ctx context.Context //nolint:containedctx // the broker's own goroutines have no other
	log *slog.Logger
	// fatal takes the first thing that the broker cannot go on after, for instance a port that is taken.
	fatal chan<- error
}

func (l *logger) Noticef(format string, v ...any) {
	l.log.DebugContext(l.ctx, fmt.Sprintf(format, v...))
}
func (l *logger) Warnf(format string, v ...any) { l.log.WarnContext(l.ctx, fmt.Sprintf(format, v...)) }
func (l *logger) Errorf(format string, v ...any) {
	l.log.ErrorContext(l.ctx, fmt.Sprintf(format, v...))
}
func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.ErrorContext(l.ctx, text)
	select {
	case l.fatal <- errors.New(text):
	default:
	}
}
func (l *logger) Debugf(string, ...any) {}
func (l *logger) Tracef(string, ...any) {}
