package natsserver_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/natsserver"
)

// Ensure a broker whose port is in use returns the reason at once, and does not wait until its start times out.
func TestStart_ReportsABusyPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	start := time.Now()
	_, err = natsserver.Start(t.Context(), `listen: "`+l.Addr().String()+`"`, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("the error took %v", took)
	}
}
