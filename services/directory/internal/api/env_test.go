package api_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Nodes that the tests use. Two of them are homonyms.
var (
	cremona      = tenant.ID{Region: "lombardia", Node: "cremona"}
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino-alto-adige", Node: "livo"}
)

// testEnv is a server of a directory in Postgres that people change.
type testEnv struct {
	*rpctest.Server

	auth      *rpctest.Env
	server    *api.Server
	pool      *pgxpool.Pool
	revisions chan int64
}

func officeLists() []vocabulary.List {
	return append(baseLists(),
		newList("office_kind", vocabulary.Term{Code: "DESK"}),
		newList("office_state", vocabulary.Term{Code: "ACTIVE"}),
		newList("service_type", vocabulary.Term{Code: "RECEPTION"}))
}

func newNode(id string) *directoryv1.Node {
	return &directoryv1.Node{
		NodeId: id, Name: id, Region: regionOf(id), Level: directoryv1.NodeLevel_NODE_LEVEL_NODE,
		Stages: []*directoryv1.Stage{{State: "ACTIVE"}}, Provenance: provenance(),
	}
}

func newSportello() *directoryv1.Office {
	o := newDesk("sportello", "cremona")
	o.Source = "prova"
	return o
}

func newEnv(t *testing.T) *testEnv {
	t.Helper()
	return newEnvWith(t, officeLists(), []proto.Message{newNode("cremona"), newNode("cuneo"), newSportello()})
}

// systemGrants gives systems the roles in which people see hidden offices.
func systemGrants(t testing.TB) *identity.Grants {
	t.Helper()
	return rpctest.Grants(t, map[identity.ID]string{
		rpctest.ID("lombardia", "cremona", "system", "robot"): "case_worker, coordinator, editor",
		rpctest.ID("all", "centre", "system", "robot"):        "editor, publisher",
	})
}

// newEnvWith is newEnv with other lists and contents, loaded one after the other.
func newEnvWith(t *testing.T, lists []vocabulary.List, loads ...[]proto.Message) *testEnv {
	t.Helper()
	db := pgtest.New(t, "directory", store.Migrate)
	for _, load := range loads {
		var entries []*directoryv1.Entry
		for _, m := range load {
			e, err := entry.New(m)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		if _, err := store.Load(t.Context(), db.OwnerURL, lists, entries, tuesday); err != nil {
			t.Fatal(err)
		}
	}
	return startEnv(t, db)
}

// startEnv watches a database and serves its directory.
func startEnv(t testing.TB, db pgtest.DB) *testEnv {
	t.Helper()
	env := &testEnv{auth: rpctest.NewEnv(t), pool: db.Pool(t), revisions: make(chan int64, 20)}
	env.server = api.New(func() time.Time { return tuesday }, env.pool, territoryIndex(t))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = store.Watch(ctx, env.pool, slog.New(slog.DiscardHandler), func(c store.Snapshot) {
			if err := env.server.SetSnapshot(c); err != nil {
				t.Error(err)
			}
			env.revisions <- c.Revision
		})
	}()
	t.Cleanup(func() { stop(); <-done })
	env.waitForRevision(t, 1)
	config := rpc.Config{
		Service: "directory", Vocabulary: env.server.Vocabulary, Grants: systemGrants(t), PerSecond: 1e6,
	}
	env.Server = env.auth.Start(t, config, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, env.server)
	})
	return env
}

// waitForRevision waits until the server serves a revision.
func (env *testEnv) waitForRevision(t testing.TB, revision int64) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case current := <-env.revisions:
			if current >= revision {
				return
			}
		case <-timeout:
			t.Fatalf("revision %d is not served", revision)
		}
	}
}

func (env *testEnv) clientAs(t testing.TB, subject, grant, region, node string) directoryv1.DirectoryServiceClient {
	t.Helper()
	return env.person(t, subject, tenant.ID{Region: region, Node: node}, grant)
}

// person connects as a person with several grants, through the console of a tenant.
func (env *testEnv) person(
	t testing.TB, subject string, of tenant.ID, grants ...string,
) directoryv1.DirectoryServiceClient {
	t.Helper()
	conn := env.As(t, rpctest.ID(of.Region, of.Node, "system", "console"), env.auth.Token(t, subject, grants...))
	return directoryv1.NewDirectoryServiceClient(conn)
}

func (env *testEnv) editor(t testing.TB) directoryv1.DirectoryServiceClient {
	t.Helper()
	return env.clientAs(t, "elena", "all/centre/editor", "all", "centre")
}

func (env *testEnv) publisher(t testing.TB, subject string) directoryv1.DirectoryServiceClient {
	t.Helper()
	return env.clientAs(t, subject, "all/centre/publisher", "all", "centre")
}

func officeEntry(o *directoryv1.Office, revision int64) *directoryv1.Entry {
	content := &directoryv1.Entry_Office{Office: o}
	return &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Content: content, Revision: revision}
}

func changeRequest(edit func(*directoryv1.Office), revision int64) *directoryv1.ProposeChangesRequest {
	o := newSportello()
	edit(o)
	return &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "nuovo telefono", Entries: []*directoryv1.Entry{officeEntry(o, revision)},
	}
}

func withPhone(number string) func(*directoryv1.Office) {
	return func(o *directoryv1.Office) { o.Phones = []*directoryv1.Phone{{Number: number}} }
}

func decideRequest(p *directoryv1.Proposal, d directoryv1.Decision) *directoryv1.DecideProposalRequest {
	return &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: p.GetProposalId(), Version: p.GetVersion(), Decision: d, Note: "visto",
	}
}

// approval approves a proposal that was just made.
func approval(proposed *directoryv1.ProposeChangesResponse) *directoryv1.DecideProposalRequest {
	return decideRequest(proposed.GetProposal(), approve)
}

const (
	approve = directoryv1.Decision_DECISION_APPROVE
	reject  = directoryv1.Decision_DECISION_REJECT
)
