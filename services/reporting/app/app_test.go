package app_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/reporting/app"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// fakeDirectory serves one code list.
type fakeDirectory struct {
	directoryv1.UnimplementedDirectoryServiceServer
}

func (fakeDirectory) ListVocabularies(
	context.Context, *directoryv1.ListVocabulariesRequest,
) (*directoryv1.ListVocabulariesResponse, error) {
	return &directoryv1.ListVocabulariesResponse{Vocabularies: []*vocabularyv1.Vocabulary{{
		Name: "channel", Version: 1, TitleIt: "canale",
		Terms: []*vocabularyv1.Term{{Code: "DESK", LabelIt: "sportello"}},
	}}}, nil
}

func centre(kind, name string) identity.ID {
	return identity.ID{
		TrustDomain: bustest.TrustDomain, Tenant: tenant.Centre, Kind: kind, Name: name,
	}
}

// background runs f until the test ends.
func background(t *testing.T, name string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Ensure that an event published at a leaf is applied and counted in the feed's status.
func TestRun(t *testing.T) {
	t.Parallel()
	network := bustest.New(t, bustest.Cremona)
	source := func(id identity.ID) *identity.Source {
		s, err := identity.LoadSource(network.Identity(id))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	directory, err := rpc.NewServer(rpc.Config{
		Service: "directory", Source: source(centre(identity.KindService, "directory")),
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	directoryv1.RegisterDirectoryServiceServer(directory, fakeDirectory{})
	directoryListener := listen(t)
	background(t, "directory", func(ctx context.Context) error { return directory.Serve(ctx, directoryListener) })

	keys := t.TempDir()
	signingKey, err := devpki.CreateSigningKey(bus.CentreOwner, keys, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.New(t, "reporting_empty", func(context.Context, string) error { return nil })
	ready, listener := make(chan struct{}), listen(t)
	c := app.Config{
		Config: service.Config{
			Tenant: tenant.Centre, Listener: listener, Ready: func() { close(ready) },
			IdentityDir: network.Identity(centre(identity.KindService, app.Name)),
		},
		DatabaseURL: db.URL, DatabaseOwnerURL: db.OwnerURL, NATSURL: network.HubURL(), SigningKeyFile: signingKey,
		NodeKeysDir: network.KeysDir(), DirectoryAddr: directoryListener.Addr().String(),
	}
	for range 2 { // Migrate is idempotent
		if err := app.Migrate(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	background(t, "reporting", func(ctx context.Context) error { return app.Run(ctx, c) })
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("did not become ready")
	}

	publishReport(t, network)
	monitor := source(centre(identity.KindOps, "monitor"))
	conn, err := rpc.Dial(listener.Addr().String(), monitor, rpc.Service(app.Name, tenant.Centre))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := reportingv1.NewReportingServiceClient(conn)
	bustest.Eventually(t, func() bool {
		resp, err := client.GetFeedStatus(context.Background(), &reportingv1.GetFeedStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		nodes := resp.GetNodes()
		return len(nodes) == 1 && nodes[0].GetNode() == "cremona" && nodes[0].GetReports() == 1 &&
			nodes[0].GetLines()[0].GetAppliedNodeSeq() == 1
	})
}

// publishReport stores an event of one report of Cremona at the hub.
func publishReport(t *testing.T, network *bustest.Network) {
	t.Helper()
	data, err := proto.Marshal(&eventsv1.ReportCounted{Month: &recordv1.Month{Year: 2026, Month: 3}, Channel: "DESK"})
	if err != nil {
		t.Fatal(err)
	}
	e := bus.Event{
		ID: uuid.NewString(), Type: "it.pari.report.counted.v1", Subject: uuid.NewString(),
		Partition:    bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "intake"},
		AggregateSeq: 1, NodeSeq: 1, Data: data,
	}
	e.Sign(network.Signer(e.Partition.Owner()))
	m, err := e.Msg()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := network.Connect(bustest.Cremona, "intake").RequestMsg(m, 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

// Ensure that all missing settings are named at once.
func TestRun_NamesMissingSettings(t *testing.T) {
	t.Parallel()
	c := app.Config{NATSURL: "tls://127.0.0.1:1", NodeKeysDir: filepath.Join(t.TempDir(), "none")}
	err := app.Run(context.Background(), c)
	const want = "PARI_DATABASE_URL is not set\nPARI_SIGNING_KEY_FILE is not set\nPARI_DIRECTORY_ADDR is not set"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := app.Migrate(context.Background(), app.Config{}); err == nil {
		t.Error("migrated without a database")
	}
}
