package rpc

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts one end of a pipe each time.
type pipeListener struct{ net.Listener }

func (pipeListener) Accept() (net.Conn, error) {
	server, client := net.Pipe()
	go func() { _, _ = client.Read(make([]byte, 1)); _ = client.Close() }()
	return server, nil
}

// Ensure a connection without a valid certificate lasts ten seconds, and one with a certificate as long as it likes.
func TestConnections_EndStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := boundConnections(pipeListener{}, 2)
		accept := func() *boundedConn {
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			return conn.(*boundedConn) //nolint:forcetypeassert // it is ours
		}
		isOpen := func(c *boundedConn) bool {
			_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := c.Read(make([]byte, 1))
			timeout, ok := err.(net.Error) //nolint:errorlint // of the pipe itself
			return ok && timeout.Timeout()
		}
		stranger, known := accept(), accept()
		if !l.identify(known, "portal") {
			t.Fatal("the first connection of an identity was refused")
		}
		<-time.After(strangerTime - time.Second) // on the bubble's clock
		if !isOpen(stranger) || !isOpen(known) {
			t.Error("a connection ended early")
		}
		<-time.After(time.Minute)
		if isOpen(stranger) || !isOpen(known) {
			t.Errorf("the stranger is connected: %t, the program: %t", isOpen(stranger), isOpen(known))
		}
		_ = known.Close()
		if len(l.strangers) != 0 || len(l.open) != 0 {
			t.Errorf("closed connections are counted: %v, %v", l.strangers, l.open)
		}
	})
}
