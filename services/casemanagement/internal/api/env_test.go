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
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/casemanagement/internal/api"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// now is the time in these tests.
var now = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)

var (
	cremona = tenant.ID{Region: "lombardia", Node: "cremona"}
	mantova = tenant.ID{Region: "lombardia", Node: "mantova"}
	milano  = tenant.ID{Region: "lombardia", Node: "milano"}
	// Livo is a municipality of Lombardia and another of Trentino-Alto Adige.
	livo      = tenant.ID{Region: "lombardia", Node: "livo"}
	otherLivo = tenant.ID{Region: "trentino-alto-adige", Node: "livo"}
)

// env is case management behind the real interceptors, for some tenants, with real databases and keys.
type env struct {
	*rpctest.Server
	pool, keyPool *pgxpool.Pool
	ownerURL      string       // of the database, as the role that owns the tables
	wakeups       atomic.Int64 // of the relay
}

type client = casemanagementv1.CaseManagementServiceClient

func codeLists() *vocabulary.Set {
	var lists []*vocabularyv1.Vocabulary
	for name, terms := range map[string]string{ // terms are code or code=group
		"channel": "PHONE DESK", "reporter_role": "VICTIM WITNESS", "ground": "SEX DISABILITY", "type": "DIRECT",
		"type_flag": "MULTIPLE", "field": "WORK", "author_kind": "COMPANY", "sensitivity": "S2 S4",
		"action": "MEDIATION", "action_result": "POSITIVE", "referral_target": "LAWYER", "outcome": "REMOVED INFORMED",
		"territory": "019036=019 019 ND",
		"assessment": "PERTINENT_LEGAL=PERTINENT CRIME=NOT_PERTINENT_HELPED INFO_REQUEST=NOT_PERTINENT " +
			"OUT_OF_TERRITORY=OUT_OF_COMPETENCE",
	} {
		list := &vocabularyv1.Vocabulary{Name: name, Version: 1}
		for term := range strings.FieldsSeq(terms) {
			code, group, _ := strings.Cut(term, "=")
			list.Terms = append(list.Terms, &vocabularyv1.Term{Code: code, Group: group})
		}
		list.Terms = append(list.Terms, &vocabularyv1.Term{Code: "OLD", ValidTo: "2010-12-31"})
		lists = append(lists, list)
	}
	return vocabulary.NewSet(lists...)
}

// setup starts case management for Cremona and Mantova.
func setup(t testing.TB) *env {
	t.Helper()
	return setupFor(t, cremona, mantova)
}

func setupFor(t testing.TB, tenants ...tenant.ID) *env {
	t.Helper()
	e := &env{}
	db := pgtest.New(t, "casemanagement", store.Migrate)
	e.pool, e.ownerURL = db.Pool(t), db.OwnerURL
	e.keyPool = pgtest.New(t, "keys", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	}).Pool(t)
	log, dir := slog.New(slog.DiscardHandler), t.TempDir()
	kekFile, secretsFile := filepath.Join(dir, "kek.json"), filepath.Join(dir, "secrets.json")
	if err := errors.Join(devkeys.CreateKEK(kekFile), devkeys.CreateSecrets(secretsFile)); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.OpenKeyStore(e.keyPool, files(kekFile), log)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.LoadSecrets(files(secretsFile))
	if err != nil {
		t.Fatal(err)
	}
	lists := codeLists()
	known := func(list, code string) bool { _, ok := lists.Lookup(list, code); return ok }
	encoder := feed.Encoder{Group: lists.Group, Known: known}
	server := &api.Server{
		Cases: store.New(e.pool, encoder.Encode), Keys: keys, Secrets: secrets,
		Disposition: func(verdict string) casefile.Disposition {
			return casefile.DispositionOf(lists.Group("assessment", verdict))
		},
		NumberPrefixes: map[tenant.ID]string{cremona: "CR", mantova: "MN", livo: "LV", otherLivo: "LV"},
		WakeRelay:      func() { e.wakeups.Add(1) }, Now: func() time.Time { return now },
	}
	e.Server = rpctest.NewEnv(t).Start(t, rpc.Config{
		Service: "casemanagement", Tenants: tenants, PerSecond: 1e6,
		Vocabulary: func() *vocabulary.Set { return lists },
	}, func(r grpc.ServiceRegistrar) { casemanagementv1.RegisterCaseManagementServiceServer(r, server) })
	return e
}

// service connects as another service of Pari.
func (e *env) service(t testing.TB, at tenant.ID, name string) client {
	t.Helper()
	id := rpctest.ID(at.Region, at.Node, identity.KindService, name)
	return casemanagementv1.NewCaseManagementServiceClient(e.As(t, id, ""))
}

// person connects as a person with a role at a tenant, through its console.
func (e *env) person(t testing.TB, at tenant.ID, role string) client {
	t.Helper()
	token := e.Env.Token(t, role, at.String()+"/"+role)
	console := rpctest.ID(at.Region, at.Node, identity.KindSystem, "console")
	return casemanagementv1.NewCaseManagementServiceClient(e.As(t, console, token))
}

func (e *env) worker(t testing.TB) client {
	t.Helper()
	return e.person(t, cremona, "case_worker")
}

func (e *env) coordinator(t testing.TB) client {
	t.Helper()
	return e.person(t, cremona, "coordinator")
}

// openRequest opens a case for a new report of a tenant.
func openRequest(at tenant.ID) *casemanagementv1.OpenCaseRequest {
	return &casemanagementv1.OpenCaseRequest{
		RequestId: uuid.NewString(), ReportId: uuid.NewString(),
		OnBehalfOf:    &recordv1.Actor{Person: "anna", Region: at.Region, Node: at.Node, System: "console"},
		ReceivedMonth: &recordv1.Month{Year: 2026, Month: 9}, Channel: "PHONE", ReporterRole: "VICTIM",
	}
}

// openCase opens a case of Cremona and returns its id.
func (e *env) openCase(t testing.TB) string {
	t.Helper()
	resp, err := e.service(t, cremona, "intake").OpenCase(t.Context(), openRequest(cremona))
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetCase().GetCaseId()
}

// caseInCharge returns the id of a case of Cremona in TAKEN_IN_CHARGE, at version 2.
func (e *env) caseInCharge(t testing.TB) string {
	t.Helper()
	id := e.openCase(t)
	if _, err := e.worker(t).Assess(t.Context(), assessRequest(id, 1)); err != nil {
		t.Fatal(err)
	}
	return id
}

func assessRequest(id string, version int64) *casemanagementv1.AssessRequest {
	return &casemanagementv1.AssessRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: version,
		Assessment: &casemanagementv1.Assessment{
			Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: "SEX", Type: "DIRECT",
			Flags: []string{"MULTIPLE"}, Field: "WORK", AuthorKinds: []string{"COMPANY"},
			IncidentMonth: &recordv1.Month{Year: 2026, Month: 8}, EventPlace: "019036", Residence: "ND",
			Sensitivity: "S2",
		},
	}
}

// The notes of the requests below.
const (
	actionNote  = "Zelinda ha incontrato il datore di lavoro."
	closingNote = "Zelinda è stata riassunta."
)

func actionRequest(id string, version int64) *casemanagementv1.RecordActionRequest {
	return &casemanagementv1.RecordActionRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: version, Code: "MEDIATION", Result: "POSITIVE",
		ReferralTarget: "LAWYER", Minutes: 45, Note: actionNote,
	}
}

func closeRequest(id string, version int64) *casemanagementv1.CloseCaseRequest {
	return &casemanagementv1.CloseCaseRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: version, Outcome: "REMOVED",
		SecondaryOutcomes: []string{"INFORMED"}, PersonInformed: true, Note: closingNote,
	}
}

func get(t testing.TB, c client, id string, view casemanagementv1.CaseView) *casemanagementv1.Case {
	t.Helper()
	resp, err := c.GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: view})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetCase()
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

// query returns the first column of a query on the rows of a tenant.
func query[T any](t testing.TB, pool *pgxpool.Pool, at tenant.ID, sql string) (values []T) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, at, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		values, err = pgx.CollectRows(rows, pgx.RowTo[T])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

const selectTables = `select tablename::text from pg_tables
	where schemaname = 'public' and tablename not like '%\_version'`

// dump returns all rows of all tables of a database that a tenant can see, with bytea in hexadecimal.
func dump(t testing.TB, pool *pgxpool.Pool, at tenant.ID) string {
	t.Helper()
	var all []string
	for _, table := range query[string](t, pool, at, selectTables) {
		all = append(all, query[string](t, pool, at, `select t::text from `+pgx.Identifier{table}.Sanitize()+` t`)...)
	}
	return strings.Join(all, "\n")
}

// contains reports whether a dump contains a text, as text or as bytea.
func contains(dump, text string) bool {
	return strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text)))
}

// files gives one key file to all tenants of the tests. Production gives each its own.
func files(path string) map[tenant.ID]string {
	all := map[tenant.ID]string{}
	for _, t := range []tenant.ID{cremona, mantova, milano, livo, otherLivo} {
		all[t] = path
	}
	return all
}
