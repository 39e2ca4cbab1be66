package natsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// logger passes the broker's log to slog. Debug and trace stay off because they would print payloads.
type logger struct {
	ctx context.Context //nolint:containedctx // the broker logs from goroutines that have no context
	log *slog.Logger
	// fatal receives the first error that the broker cannot recover from, for instance a port in use.
	fatal chan<- error
}

func (l *logger) Noticef(format string, v ...any) {
	l.log.DebugContext(l.ctx, fmt.Sprintf(format, v...))
}

func (l *logger) Warnf(format string, v ...any) {
	l.log.WarnContext(l.ctx, fmt.Sprintf(format, v...))
}

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
