package identity

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// watchedFile is a configuration file that is read again when it, or a file that it names, changes. While the new
// content is missing or invalid, the last valid value stays in force, the metric pari.config.rejected is 1, and each
// error is logged once. It is safe for concurrent use.
type watchedFile[T any] struct {
	path, name string
	parse      parser[T]
	log        *slog.Logger
	rejected   metric.Int64Gauge

	value   atomic.Pointer[T]
	checker reloading

	// Only a reload uses these.
	files    []fileVersion   // that value was read from
	problems map[string]bool // the errors since the last valid content, which were logged
}

// parser parses a file. It reads the files that this one names with read, so that they are watched as well.
type parser[T any] func(raw []byte, read func(path string) ([]byte, error)) (T, error)

// fileVersion is how a file looked before it was read.
type fileVersion struct {
	path    string
	modTime time.Time
	size    int64
}

func versionOf(path string) (fileVersion, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileVersion{}, err
	}
	return fileVersion{path, info.ModTime(), info.Size()}, nil
}

func (v fileVersion) changed() bool {
	current, err := versionOf(v.path)
	return err != nil || current.size != v.size || !current.modTime.Equal(v.modTime)
}

// watchFile reads a file. An empty path is an empty file that never changes.
func watchFile[T any](path, name string, parse parser[T], log *slog.Logger) (*watchedFile[T], error) {
	gauge, err := otel.Meter("github.com/retepari/pari/pkg/identity").Int64Gauge("pari.config.rejected",
		metric.WithDescription("1 while a configuration file is rejected and its last valid content is in force."),
		metric.WithUnit("1"))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	f := &watchedFile[T]{path: path, name: name, parse: parse, log: log, rejected: gauge, problems: map[string]bool{}}
	f.checker.reload = f.reload
	if path == "" {
		value, err := parse(nil, os.ReadFile)
		f.value.Store(&value)
		return f, err
	}
	if err := f.read(); err != nil {
		return nil, err
	}
	f.record(0)
	return f, nil
}

// current returns the value, and checks the files for changes now and then.
func (f *watchedFile[T]) current(now time.Time) T {
	if f.path != "" {
		f.checker.check(now)
	}
	return *f.value.Load()
}

// checkNow reads the files if they have changed.
func (f *watchedFile[T]) checkNow(now time.Time) {
	if f.path != "" {
		f.checker.checkNow(now)
	}
}

func (f *watchedFile[T]) reload() {
	ctx := context.Background()
	err := f.read()
	if err == nil {
		if len(f.problems) > 0 {
			f.log.InfoContext(ctx, "configuration file accepted", slog.String("file", f.name))
			f.record(0)
		}
		f.problems = map[string]bool{}
		return
	}
	if !f.problems[err.Error()] {
		f.log.ErrorContext(ctx, "configuration file rejected", slog.String("file", f.name), slog.Any("error", err))
		f.record(1)
	}
	f.problems[err.Error()] = true
}

func (f *watchedFile[T]) record(rejected int64) {
	f.rejected.Record(context.Background(), rejected, metric.WithAttributes(attribute.String("file", f.name)))
}

// read reads the file if it or a file that it names has changed. What was rejected is read again each time: its fault
// may be in another file.
func (f *watchedFile[T]) read() error {
	if len(f.files) > 0 && len(f.problems) == 0 && !f.changed() {
		return nil
	}
	var files []fileVersion
	read := func(path string) ([]byte, error) {
		version, err := versionOf(path)
		if err != nil {
			return nil, err
		}
		files = append(files, version)
		return os.ReadFile(path)
	}
	raw, err := read(f.path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	value, err := f.parse(raw, read)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	f.value.Store(&value)
	f.files = files
	return nil
}

func (f *watchedFile[T]) changed() bool {
	for _, v := range f.files {
		if v.changed() {
			return true
		}
	}
	return false
}
