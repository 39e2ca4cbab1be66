package service_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary/replica"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// shared is the telemetry of the process: starting it sets global providers.
var shared = func() *telemetry.Telemetry {
	tel, err := telemetry.Start(context.Background(), "test", "v0", io.Discard)
	if err != nil {
		panic(err)
	}
	return tel
}()

// newConfig returns the configuration of a service of a tenant, with a certificate and a listener of its own.
func newConfig(t *testing.T, w *rpctest.Env, of tenant.ID, name string) service.Config {
	t.Helper()
	c := service.Config{Tenant: of, IdentityDir: t.TempDir(), CallsPerSecond: 2000, Telemetry: shared}
	id := rpctest.ID(of.Region, of.Node, identity.KindService, name)
	if err := w.Authority.Issue(id, c.IdentityDir); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Listener.Close() })
	return c
}

// runApp runs a service until stop is called, which returns the error of Run. It returns once build has.
func runApp(
	t *testing.T, c service.Config, name string, build func(ctx context.Context, a *service.App) error,
) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	built, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- service.Run(ctx, name, "v0", c, func(ctx context.Context, a *service.App) error {
			defer close(built)
			return build(ctx, a)
		})
	}()
	<-built
	t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-done
	}
}

// Ensure a service without its identity does not start, and names everything that is missing.
func TestRun_RequiresSettings(t *testing.T) {
	t.Parallel()
	never := func(context.Context, *service.App) error { t.Error("the service was built"); return nil }
	err := service.Run(t.Context(), "directory", "v0", service.Config{}, never)
	want := "PARI_TENANT is not set\nPARI_IDENTITY_DIR is not set"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	c := service.Config{Tenant: tenant.Centre, IdentityDir: t.TempDir(), Telemetry: shared}
	if err := service.Run(t.Context(), "directory", "v0", c, never); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without certificates: got %v", err)
	}
}

// Ensure a service does not start with the certificate of another tenant, also not with that of a namesake in another
// region: its rows and its events would be those of the tenant that is configured.
func TestRun_RefusesTheCertificateOfAnotherTenant(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	for _, of := range []tenant.ID{
		{Region: "piemonte", Node: "cremona"}, {Region: "lombardia", Node: "milano"}, tenant.Centre,
	} {
		c := newConfig(t, w, of, "intake")
		c.Tenant = bustest.Cremona
		err := service.Run(t.Context(), "intake", "v0", c, func(context.Context, *service.App) error {
			t.Error("the service was built")
			return nil
		})
		if err == nil || !strings.HasSuffix(err.Error(), "of "+of.String()+", not of lombardia/cremona") {
			t.Errorf("%s: got %v", of, err)
		}
	}
}

// Ensure the settings about certificates of others reach the identity: one of a denied program, and one that is valid
// for too long, are refused.
func TestRun_LimitsCertificates(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	client := rpctest.ID("lombardia", "cremona", identity.KindSystem, "portal")
	deny := filepath.Join(t.TempDir(), "deny.yaml")
	if err := os.WriteFile(deny, []byte("identities: ["+client.String()+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	source := w.Source(t, client)
	cert, err := source.ServerTLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}} // valid for two hours
	for name, c := range map[string]struct {
		denyFile    string
		maxValidity time.Duration
		ok          bool
	}{
		"default": {"", 0, true}, "denied": {deny, 0, false}, "too long": {"", time.Hour, false},
		"long enough": {"", 2 * time.Hour, true},
	} {
		config := newConfig(t, w, bustest.Cremona, "intake")
		config.DenyFile, config.MaxCertValidity = c.denyFile, c.maxValidity
		stop := runApp(t, config, "intake", func(_ context.Context, a *service.App) error {
			if id, err := a.Identity.VerifyPeer(state, time.Now()); (err == nil) != c.ok {
				t.Errorf("%s: got %s, %v", name, id, err)
			}
			return nil
		})
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// Ensure parts stop in the reverse order of being added, whether the service is canceled, fails, or cannot be built.
func TestRun_StopsInReverseOrder(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		part, build, want error
	}{
		"canceled": {nil, nil, nil}, "a part fails": {broken, nil, broken}, "not built": {nil, broken, broken},
	} {
		var stopped []string
		ctx, cancel := context.WithCancel(t.Context())
		build := func(_ context.Context, a *service.App) error {
			for _, part := range []string{"first", "second"} {
				a.Group.OnStop(part, func(context.Context) error { stopped = append(stopped, part); return nil })
			}
			if c.part != nil {
				a.Group.Go("third", func(context.Context) error { return c.part })
			}
			if c.want == nil {
				cancel()
			}
			return c.build
		}
		err := service.Run(ctx, "directory", "v0", newConfig(t, w, tenant.Centre, "directory"), build)
		cancel()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if diff := cmp.Diff([]string{"second", "first"}, stopped); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Ensure a service is ready only while its database answers and once it has code lists, and closes its database.
func TestApp_Readiness(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "service_lists", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, replica.Schema)
	})
	serve := make(chan struct{})
	fetch := func(ctx context.Context, _ string) ([]*vocabularyv1.Vocabulary, error) {
		select {
		case <-serve:
			return []*vocabularyv1.Vocabulary{{Name: "ground"}}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var app *service.App
	c := newConfig(t, rpctest.NewEnv(t), tenant.Centre, "directory")
	stop := runApp(t, c, "directory", func(ctx context.Context, a *service.App) error {
		app = a
		pool, err := a.Database(ctx, "database", db.URL)
		if err != nil {
			return err
		}
		a.CodeLists(pool, fetch)
		_, err = a.Database(ctx, "key database", "postgres://pari@127.0.0.1:1/none")
		return err
	})
	want := map[string]string{"database": "ok", "code lists": "failing", "key database": "failing"}
	if s := app.Ops.Status(t.Context()); s.Ready || !cmp.Equal(want, s.Checks) {
		t.Errorf("at first: %+v", s)
	}
	close(serve)
	bustest.Eventually(t, func() bool { return app.Ops.Status(t.Context()).Checks["code lists"] == "ok" })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if s := app.Ops.Status(t.Context()); s.Checks["database"] != "failing" {
		t.Errorf("after stopping: %+v", s)
	}
	err := service.Run(t.Context(), "directory", "v0", c, func(ctx context.Context, a *service.App) error {
		_, err := a.Database(ctx, "database", "postgres://pari@127.0.0.1:port/none")
		return err
	})
	if err == nil || !strings.HasPrefix(err.Error(), "database: ") {
		t.Errorf("broken address: got %v", err)
	}
}

// Ensure a service ends by itself, with what to do, when its database was not migrated.
func TestApp_SchemaDoesNotFit(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "app_empty", func(context.Context, string) error { return nil })
	c := newConfig(t, rpctest.NewEnv(t), tenant.Centre, "directory")
	err := service.Run(t.Context(), "directory", "v0", c, func(ctx context.Context, a *service.App) error {
		_, err := a.Database(ctx, "database", db.URL, replica.Schema)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "run this program with the command migrate") {
		t.Errorf("got %v", err)
	}
}

// register adds a service without methods of its own.
func register(r grpc.ServiceRegistrar) {
	directoryv1.RegisterDirectoryServiceServer(r, directoryv1.UnimplementedDirectoryServiceServer{})
}

func checkHealth(conn grpc.ClientConnInterface, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	return err
}

// Ensure a service takes calls only once it is ready, reports it, and that other services find it by its identity.
func TestApp_Serve(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	c := newConfig(t, w, tenant.Centre, "directory")
	ready, taking := make(chan struct{}), make(chan struct{})
	c.Ready = func() { close(taking) }
	c.DrainDelay = 200 * time.Millisecond
	var ops *telemetry.Ops
	stop := runApp(t, c, "directory", func(ctx context.Context, a *service.App) error {
		ops = a.Ops
		return a.Serve(ctx, nil, ready, register)
	})
	target := c.Listener.Addr().String()
	var directory, intake, elsewhere *grpc.ClientConn
	client := newConfig(t, w, bustest.Cremona, "intake")
	stopClient := runApp(t, client, "intake", func(_ context.Context, a *service.App) (err error) {
		if directory, err = a.Directory(target); err != nil {
			return err
		}
		if intake, err = a.Dial(target, "intake", tenant.Centre); err != nil {
			return err
		}
		elsewhere, err = a.Dial(target, "directory", tenant.ID{Region: "lombardia", Node: "milano"})
		return err
	})
	if err := checkHealth(directory, 100*time.Millisecond); err == nil {
		t.Error("a call was served before the service was ready")
	}
	select {
	case <-taking:
		t.Error("Ready was called before the service was ready")
	default:
	}
	if ops.Status(t.Context()).Ready {
		t.Error("the service reports that it is ready before it takes calls")
	}
	close(ready)
	<-taking
	if err := checkHealth(directory, 10*time.Second); err != nil || !ops.Status(t.Context()).Ready {
		t.Errorf("%v, %v", err, ops.Status(t.Context()))
	}
	for name, conn := range map[string]*grpc.ClientConn{"intake": intake, "directory of Milano": elsewhere} {
		if err := checkHealth(conn, 100*time.Millisecond); err == nil {
			t.Errorf("the directory was accepted as %s", name)
		}
	}
	if err := stopClient(); err != nil {
		t.Error(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for ops.Status(t.Context()).Ready { // it ends while the service waits for load balancers to notice
		select {
		case err := <-stopped:
			t.Fatalf("the service stopped, %v, and never reported it", err)
		default:
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := checkHealth(directory, time.Second); err == nil {
		t.Error("the client is open after the service stopped")
	}
}

// Ensure a directory of the own node is accepted like that of a centre that serves it, and one of another node, of a
// namesake in another region, and of the centre of another region is not.
func TestApp_DirectoryOfTheNode(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	for of, ok := range map[tenant.ID]bool{
		bustest.Cremona: true, tenant.Centre: true, {Region: "lombardia", Node: "centre"}: true,
		{Region: "lombardia", Node: "milano"}: false, {Region: "piemonte", Node: "cremona"}: false,
		{Region: "piemonte", Node: "centre"}: false,
	} {
		c := newConfig(t, w, of, "directory")
		stop := runApp(t, c, "directory", func(ctx context.Context, a *service.App) error {
			return a.Serve(ctx, nil, nil, register)
		})
		var conn *grpc.ClientConn
		client := newConfig(t, w, bustest.Cremona, "intake")
		stopClient := runApp(t, client, "intake", func(_ context.Context, a *service.App) (err error) {
			conn, err = a.Directory(c.Listener.Addr().String())
			return err
		})
		timeout := 10 * time.Second
		if !ok {
			timeout = 100 * time.Millisecond
		}
		if err := checkHealth(conn, timeout); (err == nil) != ok {
			t.Errorf("%s: %v", of, err)
		}
		if err := errors.Join(stopClient(), stop()); err != nil {
			t.Error(err)
		}
	}
}

// Ensure a service that is stopped before it is ready closes its listener.
func TestApp_ServeStopsBeforeReady(t *testing.T) {
	t.Parallel()
	c := newConfig(t, rpctest.NewEnv(t), tenant.Centre, "directory")
	c.Ready = func() { t.Error("Ready was called") }
	stop := runApp(t, c, "directory", func(ctx context.Context, a *service.App) error {
		return a.Serve(ctx, nil, make(chan struct{}), register)
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := c.Listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}

// Ensure a mistake in the configuration of the server ends the start.
func TestApp_ServeRefusesMistakes(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("portal: [operator]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*service.Config){
		"grants":    func(c *service.Config) { c.GrantsFile = broken },
		"issuers":   func(c *service.Config) { c.IssuersFile = broken },
		"deny list": func(c *service.Config) { c.DenyFile = broken },
		"address for calls": func(c *service.Config) {
			c.Addr, c.Listener = c.Listener.Addr().String(), nil // in use
		},
	} {
		c := newConfig(t, w, tenant.Centre, "directory")
		change(&c)
		err := service.Run(t.Context(), "directory", "v0", c, func(ctx context.Context, a *service.App) error {
			return a.Serve(ctx, nil, nil, register)
		})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Ensure the connection to the broker has the service's identity and closes with the service.
func TestApp_NATS(t *testing.T) {
	t.Parallel()
	n := bustest.New(t, bustest.Cremona)
	id := rpctest.ID("lombardia", "cremona", identity.KindService, "intake")
	c := service.Config{Tenant: bustest.Cremona, IdentityDir: n.Identity(id), Telemetry: shared}
	closed := func() bool { return false }
	stop := runApp(t, c, "intake", func(ctx context.Context, a *service.App) error {
		conn, err := a.NATS(ctx, n.Leaf(bustest.Cremona).URL())
		if err != nil {
			return err
		}
		closed = conn.IsClosed
		bustest.Eventually(t, conn.IsConnected)
		if inbox := conn.NewInbox(); !strings.HasPrefix(inbox, "_INBOX.lombardia.cremona.intake.") {
			t.Errorf("replies go to %s", inbox)
		}
		if _, err := a.NATS(ctx, "tls://%zz"); err == nil {
			t.Error("a broken address was accepted")
		}
		return nil
	})
	if err := stop(); err != nil || !closed() {
		t.Errorf("got %v, closed %t", err, closed())
	}
}

// Ensure old request ids are purged at the start, however many there are.
func TestApp_Maintenance(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "service_requests", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, idempotency.Schema)
	})
	pool := db.Pool(t)
	count := func() (n int) {
		err := pg.InTenant(t.Context(), pool, bustest.Cremona, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from idempotency_key`).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := pg.InTenant(t.Context(), pool, bustest.Cremona, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		for i := range 1500 {
			at := time.Now()
			if i > 0 {
				at = at.Add(-idempotency.Retention - 48*time.Hour)
			}
			r := idempotency.Request{Key: []byte(uuid.NewString()), Method: "Submit", BodyHash: []byte{1}}
			r.Queue(b, bustest.Cremona, uuid.NewString(), at)
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newConfig(t, rpctest.NewEnv(t), bustest.Cremona, "intake")
	stop := runApp(t, c, "intake", func(_ context.Context, a *service.App) error {
		a.Maintenance(pool, []tenant.ID{bustest.Cremona})
		return nil
	})
	bustest.Eventually(t, func() bool { return count() == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
