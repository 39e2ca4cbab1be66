package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
)

// handler answers a call of the method, for instance "SubmitReport".
type handler func(method string, req proto.Message) (proto.Message, error)

// fakeNetwork is a network in which one server is every service, and one person is signed in.
type fakeNetwork struct {
	dir    string
	dial   func() (*grpc.ClientConn, error)
	stdin  string
	server *grpc.Server

	mu    sync.Mutex
	calls []string
	conns []net.Conn
	// token is that of the last connection.
	token string
}

// cut cuts all connections.
func (f *fakeNetwork) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		_ = conn.Close()
	}
	f.conns = nil
}

func newFakeNetwork(t *testing.T, handle handler) *fakeNetwork {
	t.Helper()
	f := &fakeNetwork{dir: t.TempDir()}
	cremona := tenant.ID{Region: "lombardia", Node: "cremona"}
	network := client.Network{
		Dir: f.dir, Nodes: []string{"cremona"}, Tenants: map[string]tenant.ID{"cremona": cremona},
	}
	if err := network.Save(); err != nil {
		t.Fatal(err)
	}
	f.signIn(t, "operator-cremona")
	listener := bufconn.Listen(1 << 20)
	serve := grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return f.serve(stream, handle) })
	f.server = grpc.NewServer(serve)
	go func() { _ = f.server.Serve(listener) }()
	t.Cleanup(f.server.Stop)
	f.dial = func() (*grpc.ClientConn, error) {
		return grpc.NewClient("passthrough:///fake", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultServiceConfig(rpc.ServiceConfig), client.WithAttempts(),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				conn, err := listener.DialContext(ctx)
				f.mu.Lock()
				defer f.mu.Unlock()
				f.conns = append(f.conns, conn)
				return conn, err
			}))
	}
	return f
}

// signIn stores a session of the user.
func (f *fakeNetwork) signIn(t *testing.T, user string) {
	t.Helper()
	c := &cli{dir: f.dir}
	if err := c.saveSession(session{User: user, Token: "t", Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeNetwork) serve(stream grpc.ServerStream, handle handler) error {
	name, _ := grpc.MethodFromServerStream(stream)
	service, method, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		return err
	}
	req, err := newMessage(descriptor.(protoreflect.MethodDescriptor).Input()) //nolint:forcetypeassert // a method
	if err != nil {
		return err
	}
	if err := stream.RecvMsg(req); err != nil {
		return err
	}
	f.mu.Lock()
	f.calls = append(f.calls, method)
	f.mu.Unlock()
	resp, err := handle(method, req)
	if err != nil {
		return err
	}
	if resp == nil {
		return status.Error(codes.Unimplemented, method)
	}
	return stream.SendMsg(resp)
}

func newMessage(d protoreflect.MessageDescriptor) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, err
	}
	return t.New().Interface(), nil
}

// command is a command line at work, with its output.
type command struct {
	*cli

	dir            string
	stdout, stderr bytes.Buffer
}

func (f *fakeNetwork) command(t *testing.T) *command {
	t.Helper()
	c := &command{dir: f.dir}
	c.cli = newCLI(strings.NewReader(f.stdin), &c.stdout, &c.stderr)
	c.dial = func(_ client.Network, _, _, token string) (*grpc.ClientConn, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.token = token
		return f.dial()
	}
	return c
}

func (c *command) run(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	code = c.cli.run(t.Context(), append([]string{"--dir", c.dir}, args...))
	return c.stdout.String(), c.stderr.String(), code
}

// run runs one command.
func (f *fakeNetwork) run(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	return f.command(t).run(t, args...)
}

// called returns how often a method was called.
func (f *fakeNetwork) called(method string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.calls {
		if m == method {
			n++
		}
	}
	return n
}

// writeFile writes a file into the folder of the network and returns its path.
func (f *fakeNetwork) writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Errorf("not JSON: %q", text)
	}
}
