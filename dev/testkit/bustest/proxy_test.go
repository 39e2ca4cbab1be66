package bustest_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/bustest"
)

// echo returns the address of a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// echoes reports whether a byte comes back within the timeout.
func echoes(conn net.Conn, timeout time.Duration) bool {
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err == nil
}

// Ensure a cut link closes its connections and refuses new ones, a frozen one holds bytes back, and Heal undoes both.
func TestProxy(t *testing.T) {
	t.Parallel()
	p := bustest.NewProxy(t, echo(t))
	conn := dial(t, p.Addr())
	if !echoes(conn, 10*time.Second) {
		t.Fatal("the link does not work")
	}
	p.Freeze()
	p.Freeze()
	if echoes(conn, 50*time.Millisecond) {
		t.Error("a frozen link lets bytes through")
	}
	p.Heal()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Errorf("a frozen byte was lost: %v", err)
	}
	p.Cut()
	if echoes(conn, 10*time.Second) || echoes(dial(t, p.Addr()), 10*time.Second) {
		t.Error("a cut link lets bytes through")
	}
	p.Heal()
	if !echoes(dial(t, p.Addr()), 10*time.Second) {
		t.Error("the link does not work after Heal")
	}
}
