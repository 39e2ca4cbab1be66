package rpc_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure that where a process serves several tenants, each has a share of the calls in progress: further calls of a
// tenant wait, and the calls of another do not.
func TestServer_SharesConcurrency(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 100), make(chan struct{})
	c := config()
	c.Tenants = []tenant.ID{cremona, {Region: "lombardia", Node: "milano"}}
	s := start(t, c, server{find: func(ctx context.Context) error {
		if p, _ := identity.From(ctx); p.Tenant() != cremona {
			return nil
		}
		entered <- struct{}{}
		<-release
		return nil
	}})
	flood := s.As(t, portal, "")
	other := s.As(t, rpctest.ID("lombardia", "milano", "system", "portal"), "")
	share := max(2, runtime.GOMAXPROCS(0))
	answers := make(chan error, share+1)
	for range share {
		go func() { answers <- findAny(flood) }()
		<-entered
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := directoryv1.NewDirectoryServiceClient(flood).FindOffices(ctx, &directoryv1.FindOfficesRequest{})
	if len(entered) != 0 || reasonOf(fault.FromStatus(err)) != fault.TooManyRequests &&
		status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a call beyond the share: %v, %d more in progress", err, len(entered))
	}
	if err := findAny(other); err != nil {
		t.Errorf("a call of another tenant: %v", err)
	}
	go func() { answers <- findAny(flood) }()
	close(release)
	for range share + 1 {
		if err := <-answers; err != nil {
			t.Errorf("a call that has waited: %v", err)
		}
	}
}
