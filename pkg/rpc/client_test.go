package rpc_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure a client refuses a server that is not the service it asked for.
func TestDial_ChecksTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, config(), server{})
	for service, want := range map[string]codes.Code{"directory": codes.OK, "intake": codes.Unavailable} {
		conn, err := rpc.Dial(s.Addr, s.Env.Source(t, portal), rpc.Service(service, tenant.Centre))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, err = directoryv1.NewDirectoryServiceClient(conn).FindOffices(t.Context(), &directoryv1.FindOfficesRequest{})
		if status.Code(err) != want {
			t.Errorf("%s: got %v, want %v", service, err, want)
		}
	}
}

// Ensure a server that is denied gets no further call, also over a connection that is open.
func TestDial_DeniesTheServerOfAnOpenConnection(t *testing.T) {
	t.Parallel()
	s := start(t, config(), server{})
	list := filepath.Join(t.TempDir(), "deny.yaml")
	deny := func(text string) {
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deny("")
	source := s.Env.SourceDenying(t, portal, list)
	conn, err := rpc.Dial(s.Addr, source, rpc.Service("directory", tenant.Centre))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := directoryv1.NewDirectoryServiceClient(conn)
	find := func() error {
		_, err := client.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{})
		return err
	}
	if err := find(); err != nil {
		t.Fatal(err)
	}
	directory := rpctest.ID(tenant.Centre.Region, tenant.Centre.Node, "service", "directory")
	deny("identities: [" + directory.String() + "]")
	bustest.Eventually(t, func() bool { return status.Code(find()) == codes.Unavailable })
	deny("")
	bustest.Eventually(t, func() bool { return find() == nil })
}

func TestService(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		region, node, kind, name string
		atNode, atEither         bool
	}{
		"the service":     {"lombardia", "cremona", "service", "intake", true, true},
		"at another node": {"piemonte", "cuneo", "service", "intake", false, true},
		"a homonym":       {"piemonte", "cremona", "service", "intake", false, false},
		"another service": {"lombardia", "cremona", "service", "directory", false, false},
		"a system":        {"lombardia", "cremona", "system", "intake", false, false},
	} {
		id := rpctest.ID(c.region, c.node, c.kind, c.name)
		cremona, cuneo := tenant.ID{Region: "lombardia", Node: "cremona"}, tenant.ID{Region: "piemonte", Node: "cuneo"}
		if got := rpc.Service("intake", cremona).Accept(id); got != c.atNode {
			t.Errorf("%s, one tenant: %t", name, got)
		}
		if got := rpc.Service("intake", cremona, cuneo).Accept(id); got != c.atEither {
			t.Errorf("%s, two tenants: %t", name, got)
		}
		if rpc.Service("intake").Accept(id) {
			t.Errorf("%s, no tenant", name)
		}
	}
}

// Ensure a call is repeated while the service is unavailable, and after no other refusal.
func TestDial_RetriesUnavailable(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var result func(call int32) error
	s := start(t, config(), server{find: func(context.Context) error { return result(calls.Add(1)) }})
	conn := s.As(t, portal, "")
	for name, c := range map[string]struct {
		result func(call int32) error
		want   fault.Reason
		calls  int32
	}{
		"back at the third call": {
			func(call int32) error {
				if call < 3 {
					return fault.New(fault.Unavailable)
				}
				return nil
			}, "", 3,
		},
		"away":  {func(int32) error { return fault.New(fault.Unavailable) }, fault.Unavailable, 3},
		"other": {func(int32) error { return fault.New(fault.NotFound) }, fault.NotFound, 1},
	} {
		calls.Store(0)
		result = c.result
		if err := findAny(conn); reasonOf(err) != c.want || calls.Load() != c.calls {
			t.Errorf("%s: %v after %d calls, want %q after %d", name, err, calls.Load(), c.want, c.calls)
		}
	}
}

// Ensure a response larger than gRPC's default of 4 MiB is accepted: exports are.
func TestDial_AcceptsLargeResponses(t *testing.T) {
	t.Parallel()
	s := start(t, config(), server{})
	client := directoryv1.NewDirectoryServiceClient(s.As(t, portal, ""))
	req := &directoryv1.ListVocabulariesRequest{Names: []string{"a", "b", "c", "d", "e"}}
	if resp, err := client.ListVocabularies(t.Context(), req); err != nil || len(resp.GetVocabularies()) != 5 {
		t.Errorf("got %d, %v", len(resp.GetVocabularies()), err)
	}
}

// Ensure a person who has no token does not call as the system.
func TestBearer(t *testing.T) {
	t.Parallel()
	s := start(t, config(), unreachable(t))
	signedOut := rpc.Bearer(func(context.Context) (string, error) { return "", errors.New("signed out") })
	accept, credentials := rpc.Service("directory", tenant.Centre), grpc.WithPerRPCCredentials(signedOut)
	conn, err := rpc.Dial(s.Addr, s.Env.Source(t, portal), accept, credentials)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := findAny(conn); err == nil || !strings.Contains(err.Error(), "signed out") {
		t.Errorf("got %v", err)
	}
	if !signedOut.RequireTransportSecurity() {
		t.Error("a token may be sent in clear")
	}
}

// Ensure a server that hosts several tenants presents to each client the certificate of the tenant that it asks for.
func TestServer_HostsTenants(t *testing.T) {
	t.Parallel()
	e := rpctest.NewEnv(t)
	milano := tenant.ID{Region: "lombardia", Node: "milano"}
	service := func(of tenant.ID) *identity.Source {
		return e.Source(t, rpctest.ID(of.Region, of.Node, "service", "directory"))
	}
	c := config()
	c.Source, c.Hosted = service(tenant.Centre), []*identity.Source{service(cremona), service(milano)}
	s := e.Start(t, c, register(server{}))
	for _, c := range []struct {
		at   []tenant.ID
		want codes.Code
	}{
		{[]tenant.ID{cremona}, codes.OK}, {[]tenant.ID{milano}, codes.OK}, {[]tenant.ID{tenant.Centre}, codes.OK},
		{[]tenant.ID{{Region: "piemonte", Node: "cremona"}}, codes.Unavailable},
		{[]tenant.ID{{Region: "lombardia", Node: "lodi"}, tenant.Centre}, codes.OK}, // either will do
	} {
		conn, err := rpc.Dial(s.Addr, e.Source(t, portal), rpc.Service("directory", c.at...))
		if err != nil {
			t.Fatal(err)
		}
		_, err = directoryv1.NewDirectoryServiceClient(conn).FindOffices(t.Context(), &directoryv1.FindOfficesRequest{})
		if status.Code(err) != c.want {
			t.Errorf("a service of %v: %v, want %v", c.at, err, c.want)
		}
		_ = conn.Close()
	}
}
