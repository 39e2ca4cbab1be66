package natsserver_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/natsserver"
)

// Ensure that a broker whose port is taken says so, and does not wait for something that cannot come.
func TestStart_says_why_it_cannot(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	began := time.Now()
	_, err = natsserver.Start(t.Context(), `listen: "`+l.Addr().String()+`"`, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}
