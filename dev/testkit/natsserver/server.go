// Package natsserver runs a NATS server in this process, with the configuration that package natsconf generates for
// production. A development network and the tests use it.
//
// The server runs in goroutines of its own, which have ended when Stop returns.
package natsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	startTimeout = 30 * time.Second
	pollInterval = 100 * time.Millisecond
)

// Server is a running broker.
type Server struct {
	inner *server.Server
}

// Start runs a broker with a configuration in the format of nats-server, and returns once it accepts connections.
func Start(ctx context.Context, config string, log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.Default()
	}
	o, err := parseOptions(config)
	if err != nil {
		return nil, err
	}
	inner, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	fatal := make(chan error, 1)
	inner.SetLoggerV2(&logger{
		ctx: context.WithoutCancel(ctx), log: log.With(slog.String("broker", o.ServerName)), fatal: fatal,
	}, false, false, false)
	inner.Start()
	s := &Server{inner: inner}
	if err := s.waitReady(ctx, fatal); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// waitReady waits until the broker accepts connections. It returns early when the broker reports a fatal error.
func (s *Server) waitReady(ctx context.Context, fatal <-chan error) error {
	deadline := time.Now().Add(startTimeout)
	for !s.inner.ReadyForConnections(pollInterval) {
		var err error
		select {
		case err = <-fatal:
		default:
			err = ctx.Err()
		}
		if err != nil || !s.inner.Running() || time.Now().After(deadline) {
			return errors.Join(errors.New("broker does not accept connections"), err)
		}
	}
	return nil
}

func parseOptions(config string) (*server.Options, error) {
	o := &server.Options{}
	if err := o.ProcessConfigString(config); err != nil {
		return nil, fmt.Errorf("broker configuration: %w", err)
	}
	o.NoSigs, o.NoLog = true, false
	return o, nil
}

// URL is the address for clients.
func (s *Server) URL() string { return s.inner.ClientURL() }

// Leaves returns how many leaf connections are up: at the hub one per node, at a leaf 1 while its link is up.
func (s *Server) Leaves() int { return s.inner.NumLeafNodes() }

// Reload applies a changed configuration. With the same configuration it reads the certificate files again. Connections
// that are still allowed stay open.
func (s *Server) Reload(config string) error {
	o, err := parseOptions(config)
	if err != nil {
		return err
	}
	if err := s.inner.ReloadOptions(o); err != nil {
		return fmt.Errorf("broker reload: %w", err)
	}
	return nil
}

// Stop shuts the broker down and waits until its files are closed.
func (s *Server) Stop() {
	s.inner.Shutdown()
	s.inner.WaitForShutdown()
}
