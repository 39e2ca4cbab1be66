package rpc

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/retepari/pari/pkg/identity"
)

// strangerTime is how long a connection without a valid certificate may last: enough to be told what is wrong.
const strangerTime = 10 * time.Second

// connections bounds the open connections of a listener. One counts for its address until its handshake has shown a
// valid certificate, and for the identity in it from then on. So programs behind one address do not share a bound, and
// strangers cannot use it up: when there are too many of them at an address, the oldest makes room.
type connections struct {
	net.Listener

	limit int // of each address, and of each identity

	mu        sync.Mutex
	strangers map[string][]*boundedConn // by address, the oldest first
	open      map[string]int            // by identity
}

func boundConnections(l net.Listener, limit int) *connections {
	return &connections{Listener: l, limit: limit, strangers: map[string][]*boundedConn{}, open: map[string]int{}}
}

// Accept implements net.Listener.
func (l *connections) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	address, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		address = conn.RemoteAddr().String()
	}
	c := &boundedConn{Conn: conn, of: l, address: address}
	c.expiry = time.AfterFunc(strangerTime, func() { _ = c.Close() })
	if oldest := l.add(c); oldest != nil {
		_ = oldest.Close()
	}
	return c, nil
}

// add counts a connection for its address. It returns the connection that has to make room.
func (l *connections) add(c *boundedConn) (oldest *boundedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if others := l.strangers[c.address]; len(others) >= l.limit {
		oldest = others[0]
	}
	l.strangers[c.address] = append(l.strangers[c.address], c)
	return oldest
}

// identify counts a connection for an identity. It returns false when that has too many.
func (l *connections) identify(c *boundedConn, id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[id] >= l.limit {
		return false
	}
	c.expiry.Stop()
	l.forgetStranger(c)
	c.identity = id
	l.open[id]++
	return true
}

func (l *connections) remove(c *boundedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.expiry.Stop()
	if c.identity == "" {
		l.forgetStranger(c)
		return
	}
	if l.open[c.identity]--; l.open[c.identity] == 0 {
		delete(l.open, c.identity)
	}
}

func (l *connections) forgetStranger(c *boundedConn) {
	others := slices.DeleteFunc(l.strangers[c.address], func(other *boundedConn) bool { return other == c })
	if l.strangers[c.address] = others; len(others) == 0 {
		delete(l.strangers, c.address)
	}
}

// boundedConn is a connection that is counted until it is closed.
type boundedConn struct {
	net.Conn

	of       *connections
	address  string
	identity string // "" until it is known
	expiry   *time.Timer
	closed   sync.Once
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	c.closed.Do(func() { c.of.remove(c) })
	return c.Conn.Close()
}

// identifying tells a connection who its client is, once the handshake has shown it.
type identifying struct {
	credentials.TransportCredentials

	verify func(tls.ConnectionState) (identity.ID, error)
}

var errTooManyConnections = errors.New("too many connections of this identity")

// ServerHandshake implements credentials.TransportCredentials.
func (c identifying) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("handshake: %w", err)
	}
	bounded, ok := raw.(*boundedConn)
	state, encrypted := info.(credentials.TLSInfo)
	if !ok || !encrypted {
		return conn, info, nil
	}
	if id, err := c.verify(state.State); err == nil && !bounded.of.identify(bounded, id.String()) {
		_ = conn.Close()
		return nil, nil, errTooManyConnections
	}
	return conn, info, nil
}

// Clone implements credentials.TransportCredentials.
func (c identifying) Clone() credentials.TransportCredentials {
	return identifying{c.TransportCredentials.Clone(), c.verify}
}
