package feed

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// logRecords holds what is logged, as JSON lines.
type logRecords struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logRecords) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(line)
}

func (l *logRecords) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// find returns the attributes of the records with a message, in order.
func (l *logRecords) find(t *testing.T, message string) (found []map[string]any) {
	t.Helper()
	l.mu.Lock()
	logged := l.buf.String()
	l.mu.Unlock()
	for line := range strings.Lines(logged) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record[slog.MessageKey] != message {
			continue
		}
		for _, key := range []string{slog.TimeKey, slog.LevelKey, slog.MessageKey} {
			delete(record, key)
		}
		found = append(found, record)
	}
	return found
}
