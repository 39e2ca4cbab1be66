package app_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/app"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// cremona is a node with a copy.
var cremona = tenant.ID{Region: "lombardia", Node: "cremona"}

// portal is a municipal system without roles.
var portal = rpctest.ID("lombardia", "cremona", "system", "portal")

// server is a running directory.
type server struct {
	env   *rpctest.Env
	db    pgtest.DB
	addr  string
	stop  context.CancelFunc
	ended chan error
}

// config configures a directory at the centre. Its listener is open.
func config(t *testing.T, env *rpctest.Env, db pgtest.DB) app.Config {
	t.Helper()
	dir := t.TempDir()
	if err := env.Authority.Issue(rpctest.ID("all", "centre", "service", "directory"), dir); err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return app.Config{
		Config: service.Config{
			Tenant: tenant.Centre, IdentityDir: dir, Listener: listener,
			Telemetry: &telemetry.Telemetry{Log: telemetry.NewLog(io.Discard)},
		},
		DatabaseURL: db.URL, DatabaseOwnerURL: db.OwnerURL,
	}
}

// run starts a directory and waits until it is ready. It stops at the end of the test.
func run(t *testing.T, env *rpctest.Env, db pgtest.DB, c app.Config) *server {
	t.Helper()
	d := &server{env: env, db: db, addr: c.Listener.Addr().String(), ended: make(chan error, 1)}
	ready := make(chan struct{})
	c.Ready = func() { close(ready) }
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go func() { d.ended <- app.Run(ctx, c) }()
	select {
	case <-ready:
	case err := <-d.ended:
		t.Fatalf("ended before it was ready: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("not ready")
	}
	t.Cleanup(func() {
		stop()
		if err := <-d.ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return d
}

// ownerConfig is a config for Migrate and Load at the centre.
func ownerConfig(ownerURL string) app.Config {
	return app.Config{Config: service.Config{Tenant: tenant.Centre}, DatabaseOwnerURL: ownerURL}
}

// newLoadedDB returns a database after `directory migrate` and `directory load`.
func newLoadedDB(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.New(t, "directory_loaded", func(ctx context.Context, ownerURL string) error {
		c := ownerConfig(ownerURL)
		if err := app.Migrate(ctx, c); err != nil {
			return err
		}
		_, err := app.Load(ctx, c)
		return err
	})
}

// start runs a directory with the embedded data and connects to it.
func start(t *testing.T) (*server, directoryv1.DirectoryServiceClient) {
	t.Helper()
	env, db := rpctest.NewEnv(t), newLoadedDB(t)
	d := run(t, env, db, config(t, env, db))
	return d, directoryv1.NewDirectoryServiceClient(d.connect(t))
}

func (d *server) connect(t *testing.T) *grpc.ClientConn {
	t.Helper()
	return (&rpctest.Server{Env: d.env, Addr: d.addr}).As(t, portal, "")
}

// loseDatabase closes the connections of the directory to its database and refuses new ones.
func (d *server) loseDatabase(t *testing.T) {
	t.Helper()
	last, err := d.db.Pool(t).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer last.Release()
	owner, err := pgx.Connect(t.Context(), d.db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close(context.Background()) }()
	name := pgx.Identifier{owner.Config().Database}.Sanitize()
	if _, err := owner.Exec(t.Context(), `revoke connect on database `+name+` from public, pari_app`); err != nil {
		t.Fatal(err)
	}
	var closed int
	if err := last.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`,
	).Scan(&closed); err != nil || closed == 0 {
		t.Fatalf("%d connections closed, %v", closed, err)
	}
}

// withTimeout returns a context for a call.
func withTimeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestLoad(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "directory_empty", func(ctx context.Context, ownerURL string) error {
		return app.Migrate(ctx, ownerConfig(ownerURL))
	})
	c := ownerConfig(db.OwnerURL)
	first, err := app.Load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if first.Revision != 1 || len(first.Lists) != 55 || len(first.Entries) != 45 {
		t.Errorf("the first load changed %+v", first)
	}
	second, err := app.Load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if second.Revision != 1 || len(second.Lists) != 0 || len(second.Entries) != 0 {
		t.Errorf("the second load changed %+v", second)
	}
	if err := app.Migrate(t.Context(), c); err != nil {
		t.Errorf("migrating again: %v", err)
	}
}

func TestLoad_Refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		tenant       tenant.ID
		url, problem string
	}{
		{"at a node", cremona, "postgres://127.0.0.1:1/x", "the directory of a node is a copy"},
		{"without a database", tenant.Centre, "", "PARI_DATABASE_OWNER_URL is not set"},
		{"a database that is unavailable", tenant.Centre, "postgres://u:secret@127.0.0.1:1/x",
			"the owner of the database cannot connect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := app.Config{Config: service.Config{Tenant: c.tenant}, DatabaseOwnerURL: c.url}
			_, err := app.Load(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}

// Ensure only the service of a node may delete entries.
func TestMigrate_GrantsTheCopy(t *testing.T) {
	t.Parallel()
	for of, want := range map[tenant.ID]bool{tenant.Centre: false, cremona: true} {
		db := pgtest.New(t, "directory_empty_"+of.Node, func(ctx context.Context, ownerURL string) error {
			return app.Migrate(ctx, app.Config{Config: service.Config{Tenant: of}, DatabaseOwnerURL: ownerURL})
		})
		var got bool
		const query = `select has_table_privilege('entry', 'delete')`
		if err := db.Pool(t).QueryRow(t.Context(), query).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: may delete %v, want %v", of, got, want)
		}
	}
	err := app.Migrate(t.Context(), app.Config{})
	if err == nil || !strings.Contains(err.Error(), "PARI_TENANT is not set") {
		t.Errorf("without settings: %v", err)
	}
}

// Ensure a directory without data is not ready until a load.
func TestRun_WaitsForData(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "directory_empty", func(ctx context.Context, ownerURL string) error {
		return app.Migrate(ctx, ownerConfig(ownerURL))
	})
	env := rpctest.NewEnv(t)
	c := config(t, env, db)
	done := make(chan struct{})
	c.Ready = func() { close(done) }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, c) }()
	if _, err := app.Load(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("not ready after a load")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Ensure the directory serves its last snapshot while the database is unavailable, and stops without it.
func TestRun_WithoutDatabase(t *testing.T) {
	t.Parallel()
	d, client := start(t)
	d.loseDatabase(t)
	req := &directoryv1.FindOfficesRequest{Territory: "019036", Ground: "DISABILITY"}
	got, err := client.FindOffices(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetMatches()) != 1 || got.GetMatches()[0].GetOffice().GetOfficeId() != "cremona-sportello" {
		t.Errorf("got %v", got)
	}
}

func TestRun_AnswersHealthChecks(t *testing.T) {
	t.Parallel()
	d, _ := start(t)
	health := healthv1.NewHealthClient(d.connect(t))
	for _, service := range []string{"", "pari.directory.v1.DirectoryService"} {
		got, err := health.Check(withTimeout(t), &healthv1.HealthCheckRequest{Service: service})
		if err != nil || got.GetStatus() != healthv1.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", service, got, err)
		}
	}
}

func TestRun_NamesAllMissingSettings(t *testing.T) {
	t.Parallel()
	atNode, withHub := app.Config{Config: service.Config{Tenant: cremona}}, ownerConfig("")
	withHub.NATSURL = "tls://127.0.0.1:1"
	for name, c := range map[string]struct {
		config app.Config
		want   []string
	}{
		"at a node":     {atNode, []string{"PARI_DATABASE_URL", "PARI_NATS_URL", "PARI_CENTRE_KEYS_DIR"}},
		"at the centre": {ownerConfig(""), []string{"PARI_DATABASE_URL"}},
		"at the centre, with a hub": {withHub,
			[]string{"PARI_DATABASE_URL", "PARI_SIGNING_KEY_FILE", "PARI_CENTRE_KEYS_DIR"}},
	} {
		err := app.Run(t.Context(), c.config)
		if want := strings.Join(c.want, " is not set\n") + " is not set"; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
