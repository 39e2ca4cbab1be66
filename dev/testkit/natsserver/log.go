package natsserver

import (
	"context"
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
	l.log.DebugContext(l.ctx, "broker notice", text(format, v))
}

func (l *logger) Warnf(format string, v ...any) {
	l.log.WarnContext(l.ctx, "broker warning", text(format, v))
}

func (l *logger) Errorf(format string, v ...any) {
	l.log.ErrorContext(l.ctx, "broker error", text(format, v))
}

func (l *logger) Fatalf(format string, v ...any) {
	err := fmt.Errorf(format, v...)
	l.log.ErrorContext(l.ctx, "broker failed", slog.Any("error", err))
	select {
	case l.fatal <- err:
	default:
	}
}

// text returns a message of the broker as an attribute, because the messages of our log are constant phrases.
func text(format string, v []any) slog.Attr { return slog.String("text", fmt.Sprintf(format, v...)) }

func (l *logger) Debugf(string, ...any) {}

func (l *logger) Tracef(string, ...any) {}
