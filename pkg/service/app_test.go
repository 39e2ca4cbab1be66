package service_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// config returns the settings of intake in Cremona, on a free port.
func config(t *testing.T) service.Config {
	t.Helper()
	ca, err := devpki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := ca.Issue(rpctest.ID("lombardia", "cremona", identity.KindService, "intake"), dir); err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.Start(t.Context(), "intake", "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Stop(context.WithoutCancel(t.Context())) })
	return service.Config{
		Region: "lombardia", Node: "cremona", Addr: "127.0.0.1:0", IdentityDir: dir,
		CallsPerSecond: 100, Telemetry: tel,
	}
}

// Ensure a failed build stops what it had already opened, and its error is the one returned.
func TestRun_StopsWhatAFailedBuildOpened(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	stopped := false
	err := service.Run(t.Context(), "intake", "test", config(t), func(_ context.Context, a *service.App) error {
		a.Group.OnStop("database", func(context.Context) error { stopped = true; return nil })
		return broken
	})
	if !errors.Is(err, broken) || !stopped {
		t.Errorf("got %v, stopped %t", err, stopped)
	}
}

// Ensure calls are taken at once, or else only after ready is closed.
func TestServe_TakesCallsOnceReady(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	close(closed)
	for name, c := range map[string]struct {
		ready <-chan struct{}
		want  bool
	}{
		"at once": {nil, true}, "ready": {closed, true}, "never ready": {make(chan struct{}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			got := false
			settings := config(t)
			settings.Ready = func() { got = true; cancel() }
			err := service.Run(ctx, "intake", "test", settings, func(ctx context.Context, a *service.App) error {
				if !c.want {
					defer cancel()
				}
				return a.Serve(ctx, nil, c.ready, func(grpc.ServiceRegistrar) {})
			})
			if err != nil || got != c.want {
				t.Errorf("took calls %t, want %t (%v)", got, c.want, err)
			}
		})
	}
}

// Ensure a service does not start with settings that it cannot use.
func TestRun_RefusesSettings(t *testing.T) {
	t.Parallel()
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	withIssuer := func(authority string) func(*service.Config) {
		return func(c *service.Config) { c.OIDCIssuer, c.OIDCCAFile = "https://issuer.example", authority }
	}
	for name, c := range map[string]struct {
		change func(*service.Config)
		want   string
	}{
		"no region":             {func(c *service.Config) { c.Region = "" }, "PARI_REGION is not set"},
		"no certificate":        {func(c *service.Config) { c.IdentityDir = missing }, "identity file cert.pem: "},
		"no grants file":        {func(c *service.Config) { c.GrantsFile = missing }, "grants: "},
		"no authority":          {withIssuer(missing), "authority of the token issuer: open "},
		"authority without PEM": {withIssuer(notPEM), "authority of the token issuer: the file holds no certificate"},
		"no such address":       {func(c *service.Config) { c.Addr = "127.0.0.1:none" }, "address for calls: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config(t)
			c.change(&settings)
			build := func(ctx context.Context, a *service.App) error {
				return a.Serve(ctx, nil, make(chan struct{}), func(grpc.ServiceRegistrar) {})
			}
			err := service.Run(t.Context(), "intake", "test", settings, build)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Ensure a service is ready only while its database answers and once it has the code lists.
func TestApp_ReadyWithDatabaseAndCodeLists(t *testing.T) {
	t.Parallel()
	migrate := func(ctx context.Context, url string) error { return pg.Migrate(ctx, url, replica.Schema) }
	url := pgtest.New(t, "service", migrate).URL
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := service.Run(ctx, "intake", "test", config(t), func(ctx context.Context, a *service.App) error {
		defer cancel()
		db, err := a.Database(ctx, "database", url)
		if err != nil {
			return err
		}
		answer := make(chan struct{})
		lists := a.CodeLists(db, func(context.Context, string) ([]*vocabularyv1.Vocabulary, error) {
			<-answer
			return []*vocabularyv1.Vocabulary{{Name: "ground", Terms: []*vocabularyv1.Term{{Code: "AGE"}}}}, nil
		})
		expectFailing(ctx, t, a, "code lists")
		close(answer)
		<-lists.Ready()
		expectFailing(ctx, t, a)
		db.Close()
		expectFailing(ctx, t, a, "database")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// expectFailing checks which readiness checks fail.
func expectFailing(ctx context.Context, t *testing.T, a *service.App, want ...string) {
	t.Helper()
	var failing []string
	status := a.Ops.Status(ctx)
	for name, state := range status.Checks {
		if state != "ok" {
			failing = append(failing, name)
		}
	}
	if !slices.Equal(failing, want) || status.Ready != (len(want) == 0) {
		t.Errorf("failing %v, want %v", failing, want)
	}
}
