package api_test

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/intake/internal/api"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// now is the time in these tests.
var now = time.Date(2026, 11, 23, 9, 41, 27, 123, time.UTC)

var (
	cremona = tenant.ID{Region: "lombardia", Node: "cremona"}
	mantova = tenant.ID{Region: "lombardia", Node: "mantova"}
	milano  = tenant.ID{Region: "lombardia", Node: "milano"}
	// Livo is a municipality of Lombardia and another of Trentino-Alto Adige.
	livo      = tenant.ID{Region: "lombardia", Node: "livo"}
	otherLivo = tenant.ID{Region: "trentino-alto-adige", Node: "livo"}
)

// env is intake behind the real interceptors, for some tenants, with real databases and keys.
type env struct {
	*rpctest.Server
	replica       func() *rpctest.Server // starts another process
	pool, keyPool *pgxpool.Pool
	keys          *seal.KeyStore
	kekFile       string
	cases         *fakeCases
	wakeups       atomic.Int64 // of the relay
}

// fakeCases is a case management that opens one case, or is unavailable.
type fakeCases struct {
	casemanagementv1.CaseManagementServiceClient
	unavailable atomic.Bool
}

const caseID = "5a0b4d34-6a1f-4d5c-9d38-6a2f6a0f6c11"

func (f *fakeCases) OpenCase(
	context.Context, *casemanagementv1.OpenCaseRequest, ...grpc.CallOption,
) (*casemanagementv1.OpenCaseResponse, error) {
	if f.unavailable.Load() {
		return nil, errors.New("connection refused")
	}
	c := &casemanagementv1.Case{CaseId: caseID, Number: "CR-F-2026-000001"}
	return &casemanagementv1.OpenCaseResponse{Case: c}, nil
}

func codeLists() *vocabulary.Set {
	var lists []*vocabularyv1.Vocabulary
	for name, codes := range map[string]string{
		"channel": "PHONE DESK", "reporter_role": "VICTIM WITNESS", "ground": "SEX DISABILITY", "wish": "HELP",
		"territory": "019036", "consent": "C_WORK C_UNAR", "consent_status": "GIVEN REFUSED",
	} {
		list := &vocabularyv1.Vocabulary{Name: name, Version: 1}
		for code := range strings.FieldsSeq(codes) {
			list.Terms = append(list.Terms, &vocabularyv1.Term{Code: code})
		}
		list.Terms = append(list.Terms, &vocabularyv1.Term{Code: "OLD", ValidTo: "2010-12-31"})
		lists = append(lists, list)
	}
	return vocabulary.NewSet(lists...)
}

// robot is a system with the role of an operator.
var robot = rpctest.ID("lombardia", "cremona", identity.KindSystem, "robot")

func portal(at tenant.ID) identity.ID {
	return rpctest.ID(at.Region, at.Node, identity.KindSystem, "portal")
}

// setup starts intake for Cremona and Mantova.
func setup(t testing.TB) *env {
	t.Helper()
	return setupFor(t, cremona, mantova)
}

// setupFor starts intake for tenants. The portal of the first may submit.
func setupFor(t testing.TB, tenants ...tenant.ID) *env {
	t.Helper()
	e := &env{cases: &fakeCases{}}
	e.pool = pgtest.New(t, "intake", store.Migrate).Pool(t)
	e.keyPool = pgtest.New(t, "keys", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	}).Pool(t)
	log, dir := slog.New(slog.DiscardHandler), t.TempDir()
	e.kekFile = filepath.Join(dir, "kek.json")
	secretsFile := filepath.Join(dir, "secrets.json")
	err := errors.Join(devkeys.CreateKEK(e.kekFile), devkeys.CreateSecrets(secretsFile))
	if err != nil {
		t.Fatal(err)
	}
	if e.keys, err = seal.OpenKeyStore(e.keyPool, files(e.kekFile), log); err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.LoadSecrets(files(secretsFile))
	if err != nil {
		t.Fatal(err)
	}
	clock, reports := func() time.Time { return now }, store.New(e.pool)
	server := &api.Server{
		Reports: reports, Keys: e.keys, Recent: idempotency.NewRecent(), Secrets: secrets,
		Handovers:      handover.NewWorker(reports, clients(e.cases, tenants), log, clock),
		NumberPrefixes: map[tenant.ID]string{cremona: "CR", mantova: "MN", livo: "LV", otherLivo: "LV"},
		WakeRelay:      func() { e.wakeups.Add(1) }, Now: clock,
	}
	e.Server = serve(t, rpctest.NewEnv(t), server, tenants)
	e.replica = func() *rpctest.Server {
		other := *server
		other.Recent = idempotency.NewRecent()
		return serve(t, e.Env, &other, tenants)
	}
	return e
}

func serve(t testing.TB, e *rpctest.Env, server *api.Server, tenants []tenant.ID) *rpctest.Server {
	t.Helper()
	lists := codeLists()
	return e.Start(t, rpc.Config{
		Service: "intake", Tenants: tenants, PerSecond: 1e6,
		Grants:     rpctest.Grants(t, map[identity.ID]string{portal(tenants[0]): "submitter", robot: "operator"}),
		Vocabulary: func() *vocabulary.Set { return lists },
	}, func(r grpc.ServiceRegistrar) { intakev1.RegisterIntakeServiceServer(r, server) })
}

// system connects as the portal of a tenant.
func (e *env) system(t testing.TB, at tenant.ID) intakev1.IntakeServiceClient {
	t.Helper()
	return intakev1.NewIntakeServiceClient(e.As(t, portal(at), ""))
}

// person connects as a person with a role at a tenant, through its console.
func (e *env) person(t testing.TB, at tenant.ID, role string) intakev1.IntakeServiceClient {
	t.Helper()
	token := e.Env.Token(t, "anna", at.String()+"/"+role)
	console := rpctest.ID(at.Region, at.Node, identity.KindSystem, "console")
	return intakev1.NewIntakeServiceClient(e.As(t, console, token))
}

// newContent returns the content of a report. personalTexts lists what is personal in it.
func newContent() *intakev1.ReportContent {
	return &intakev1.ReportContent{
		Channel: "PHONE", ReporterRole: "VICTIM", Grounds: []string{"SEX", "DISABILITY"}, Wish: "HELP",
		IncidentPlace: "019036", IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 10, Day: 3},
		Language: "it", Urgent: true, NoticeVersion: "2026-01",
		Narrative: "Il padrone di casa mi ha detto di no.",
		Contact: &intakev1.Contact{
			Name: "Zelinda Quaglia", Phone: "+39 0372 555 0199", Email: "zelinda@example.org",
			SafeContact: "solo al mattino",
		},
		Consents: []*intakev1.Consent{{Code: "C_WORK", Status: "GIVEN"}, {Code: "C_UNAR", Status: "REFUSED"}},
	}
}

func personalTexts(c *intakev1.ReportContent) []string {
	contact := c.GetContact()
	return []string{
		c.GetNarrative(), contact.GetName(), contact.GetPhone(), contact.GetEmail(), contact.GetSafeContact(),
		"Zelinda", "padrone",
	}
}

func submitRequest(content *intakev1.ReportContent) *intakev1.SubmitReportRequest {
	return &intakev1.SubmitReportRequest{RequestId: uuid.NewString(), Content: content}
}

func submit(
	t testing.TB, client intakev1.IntakeServiceClient, content *intakev1.ReportContent,
) *intakev1.SubmitReportResponse {
	t.Helper()
	resp, err := client.SubmitReport(t.Context(), submitRequest(content))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// checkRefused checks the reason and the fields of an error.
func checkRefused(t testing.TB, err error, reason fault.Reason, fields ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(fault.FromStatus(err), &f) {
		t.Fatalf("got %v, want %s", err, reason)
	}
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Path+" "+string(field.Reason))
	}
	if diff := cmp.Diff(fields, got); f.Reason != reason || diff != "" {
		t.Errorf("reason %s, want %s, fields (-want +got):\n%s", f.Reason, reason, diff)
	}
}

const selectTables = `select tablename::text from pg_tables
	where schemaname = 'public' and tablename not like '%\_version' order by 1`

// dump returns all rows of all tables of a database that a tenant can see, with bytea in hexadecimal.
func dump(t testing.TB, pool *pgxpool.Pool, at tenant.ID) string {
	t.Helper()
	var all strings.Builder
	err := pg.InTenant(t.Context(), pool, at, func(ctx context.Context, tx pgx.Tx) error {
		tables, err := queryStrings(ctx, tx, selectTables)
		if err != nil {
			return err
		}
		for _, table := range tables {
			rows, err := queryStrings(ctx, tx, `select t::text from `+pgx.Identifier{table}.Sanitize()+` t`)
			if err != nil {
				return err
			}
			all.WriteString(strings.Join(rows, "\n"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func queryStrings(ctx context.Context, tx pgx.Tx, sql string) ([]string, error) {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// contains reports whether a dump contains a text, as text or as bytea.
func contains(dump, text string) bool {
	return strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text)))
}

// count returns the number of rows of a table of Cremona.
func (e *env) count(t testing.TB, table string) (n int) {
	t.Helper()
	if err := pg.InTenant(t.Context(), e.pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from `+pgx.Identifier{table}.Sanitize()).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// files gives one key file to all tenants of the tests. Production gives each its own.
func files(path string) map[tenant.ID]string {
	all := map[tenant.ID]string{}
	for _, t := range []tenant.ID{cremona, mantova, milano, livo, otherLivo} {
		all[t] = path
	}
	return all
}

// clients gives one client of case management to all tenants.
func clients(cases casemanagementv1.CaseManagementServiceClient, tenants []tenant.ID) handover.Clients {
	all := handover.Clients{}
	for _, t := range tenants {
		all[t] = cases
	}
	return all
}

// dataKey returns the identifier of the data key of the only report.
func (e *env) dataKey(t testing.TB) (id uuid.UUID) {
	t.Helper()
	if err := pg.InTenant(t.Context(), e.pool, cremona, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select report_id from report`).Scan(&id)
	}); err != nil {
		t.Fatal(err)
	}
	return id
}
