package identity

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// watchedFile is a configuration file that is read again when it changes. While the new content is missing or invalid,
// the last valid value stays in force and the error is logged once. It is safe for concurrent use.
type watchedFile[T any] struct {
	path, name string
	parse      func([]byte) (T, error)
	log        *slog.Logger

	mu        sync.Mutex
	checkedAt time.Time
	modTime   time.Time
	size      int64
	value     T
	onChange  func(T)
}

// watchFile reads a file. An empty path is an empty file that never changes.
func watchFile[T any](path, name string, parse func([]byte) (T, error), log *slog.Logger) (*watchedFile[T], error) {
	f := &watchedFile[T]{path: path, name: name, parse: parse, log: log}
	if path == "" {
		value, err := parse(nil)
		f.value = value
		return f, err
	}
	if err := f.readLocked(); err != nil {
		return nil, err
	}
	return f, nil
}

// current returns the value, after a check for changes if checkInterval has passed.
func (f *watchedFile[T]) current(now time.Time) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since := now.Sub(f.checkedAt); f.path != "" && (since < 0 || since >= checkInterval) {
		f.checkedAt = now
		if err := f.readLocked(); err != nil {
			f.log.ErrorContext(context.Background(), "configuration file rejected", slog.String("file", f.name),
				slog.Any("error", err))
		}
	}
	return f.value
}

// readLocked reads the file if it has changed. A content that was rejected is not read again.
func (f *watchedFile[T]) readLocked() error {
	info, err := os.Stat(f.path)
	if err == nil && info.ModTime().Equal(f.modTime) && info.Size() == f.size {
		return nil
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(f.path)
	}
	if err != nil {
		if f.size < 0 {
			return nil // logged already
		}
		f.size = -1 // a repaired file may have its old time: it is read again until that works
		return fmt.Errorf("%s: %w", f.name, err)
	}
	f.modTime, f.size = info.ModTime(), info.Size()
	value, err := f.parse(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	f.value = value
	if f.onChange != nil {
		f.onChange(value)
	}
	return nil
}
