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

// morning is when everything in these tests happens.
var morning = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)

// world is case management behind the real chain, for two nodes, with real databases and keys.
type world struct {
	*rpctest.Server
	pool, keyPool *pgxpool.Pool
	stored        atomic.Int64
}

// client is what callers are given.
type client = casemanagementv1.CaseManagementServiceClient

// codes are the code lists; a verdict stands with its group.
func codes() *vocabulary.Set {
	var all []*vocabularyv1.Vocabulary
	for name, codes := range map[string]string{
		"channel": "PHONE DESK", "reporter_role": "VICTIM WITNESS", "ground": "SEX DISABILITY", "type": "DIRECT", "type_flag": "MULTIPLE", "field": "WORK",
		"author_kind": "COMPANY", "sensitivity": "S2 S4", "action": "MEDIATION", "action_result": "POSITIVE", "referral_target": "LAWYER",
		"outcome": "REMOVED INFORMED", "territory": "019036=019 019 ND",
		"assessment": "PERTINENT_LEGAL=PERTINENT CRIME=NOT_PERTINENT_HELPED INFO_REQUEST=NOT_PERTINENT OUT_OF_TERRITORY=OUT_OF_COMPETENCE",
	} {
		list := &vocabularyv1.Vocabulary{Name: name, Version: 1}
		for term := range strings.FieldsSeq(codes) {
			code, group, _ := strings.Cut(term, "=")
			list.Terms = append(list.Terms, &vocabularyv1.Term{Code: code, Group: group})
		}
		list.Terms = append(list.Terms, &vocabularyv1.Term{Code: "OLD", ValidTo: "2010-12-31"})
		all = append(all, list)
	}
	return vocabulary.NewSet(all...)
}

func open(t testing.TB) *world {
	t.Helper()
	w := &world{}
	w.pool = pgtest.New(t, "casemanagement", store.Migrate).Pool(t)
	w.keyPool = pgtest.New(t, "keys", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	}).Pool(t)
	log, dir := slog.New(slog.DiscardHandler), t.TempDir()
	kek, secretsFile := filepath.Join(dir, "kek.json"), filepath.Join(dir, "secrets.json")
	if err := errors.Join(devkeys.CreateKEK(kek), devkeys.CreateSecrets(secretsFile)); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.OpenKeyStore(w.keyPool, kek, log)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.LoadSecrets(secretsFile)
	if err != nil {
		t.Fatal(err)
	}
	set := codes()
	known := func(list, code string) bool { _, ok := set.Lookup(list, code); return ok }
	server := &api.Server{
		Cases: store.New(w.pool, feed.Writer{Group: set.Group, Known: known}.Write), Keys: keys, Secrets: secrets,
		Course: func(verdict string) casefile.Course { return casefile.CourseOf(set.Group("assessment", verdict)) },
		NumberPrefixes:  map[string]string{"cremona": "CR", "mantova": "MN"}, Stored: func() { w.stored.Add(1) }, Log: log, Now: func() time.Time { return morning },
	}
	w.Server = rpctest.NewWorld(t).Start(t, rpc.Config{
		Service: "casemanagement", Region: "lombardia", Node: "cremona", Nodes: []string{"cremona", "mantova"}, PerSecond: 1e6,
		Vocabulary: func() *vocabulary.Set { return set },
	}, func(r grpc.ServiceRegistrar) { casemanagementv1.RegisterCaseManagementServiceServer(r, server) })
	return w
}

// service connects as one of Pari's own services.
func (w *world) service(t testing.TB, node, name string) client {
	t.Helper()
	return casemanagementv1.NewCaseManagementServiceClient(w.As(t, rpctest.ID("lombardia", node, identity.KindService, name), ""))
}

// person connects as somebody with a role at a node, through its console.
func (w *world) person(t testing.TB, node, role string) client {
	t.Helper()
	token := w.World.Token(t, role, "lombardia/"+node+"/"+role)
	return casemanagementv1.NewCaseManagementServiceClient(w.As(t, rpctest.ID("lombardia", node, identity.KindSystem, "console"), token))
}

func (w *world) worker(t testing.TB) client { t.Helper(); return w.person(t, "cremona", "case_worker") }

func (w *world) coordinator(t testing.TB) client {
	t.Helper()
	return w.person(t, "cremona", "coordinator")
}

// opening asks for a case of a new report of a node.
func opening(node string) *casemanagementv1.OpenCaseRequest {
	return &casemanagementv1.OpenCaseRequest{
		RequestId: uuid.NewString(), ReportId: uuid.NewString(), OnBehalfOf: &recordv1.Actor{Person: "anna", Node: node, System: "console"},
		ReceivedMonth: &recordv1.Month{Year: 2026, Month: 9}, Channel: "PHONE", ReporterRole: "VICTIM",
	}
}

// opened opens a case of Cremona and returns its identifier.
func (w *world) opened(t testing.TB) string {
	t.Helper()
	got, err := w.service(t, "cremona", "intake").OpenCase(t.Context(), opening("cremona"))
	if err != nil {
		t.Fatal(err)
	}
	return got.GetCase().GetCaseId()
}

// assessed is a case of Cremona that is in charge.
func (w *world) assessed(t testing.TB) string {
	t.Helper()
	id := w.opened(t)
	if _, err := w.worker(t).Assess(t.Context(), assessing(id, 1)); err != nil {
		t.Fatal(err)
	}
	return id
}

func assessing(id string, version int64) *casemanagementv1.AssessRequest {
	return &casemanagementv1.AssessRequest{RequestId: uuid.NewString(), CaseId: id, Version: version, Assessment: &casemanagementv1.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: "SEX", Type: "DIRECT", Flags: []string{"MULTIPLE"}, Field: "WORK",
		AuthorKinds: []string{"COMPANY"}, IncidentMonth: &recordv1.Month{Year: 2026, Month: 8}, EventPlace: "019036", Residence: "ND", Sensitivity: "S2",
	}}
}

// What people write in their notes.
const (
	actionNote  = "Zelinda ha incontrato il datore di lavoro."
	closingNote = "Zelinda è stata riassunta."
)

func acting(id string, version int64) *casemanagementv1.RecordActionRequest {
	return &casemanagementv1.RecordActionRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: version, Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 45, Note: actionNote,
	}
}

func closing(id string, version int64) *casemanagementv1.CloseCaseRequest {
	return &casemanagementv1.CloseCaseRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: version, Outcome: "REMOVED", SecondaryOutcomes: []string{"INFORMED"}, PersonInformed: true, Note: closingNote,
	}
}

func get(t testing.TB, c client, id string, view casemanagementv1.CaseView) *casemanagementv1.Case {
	t.Helper()
	got, err := c.GetCase(t.Context(), &casemanagementv1.GetCaseRequest{CaseId: id, View: view})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetCase()
}

// refused checks reason and fields of a refusal.
func refused(t testing.TB, err error, reason fault.Reason, fields ...string) {
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

// query collects the first column of a query on the rows of Cremona.
func query[T any](t testing.TB, pool *pgxpool.Pool, sql string) (found []T) {
	t.Helper()
	err := pg.InTenant(t.Context(), pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[T])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// dump writes every row of every table of a database that Cremona can see, columns of bytes in hexadecimal.
func dump(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	var all []string
	for _, table := range query[string](t, pool, `select tablename::text from pg_tables where schemaname = 'public' and tablename not like '%\_version'`) {
		all = append(all, query[string](t, pool, `select t::text from `+pgx.Identifier{table}.Sanitize()+` t`)...)
	}
	return strings.Join(all, "\n")
}

// holds tells whether a dump holds a text, as it is or in bytes.
func holds(dump, text string) bool {
	return strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text)))
}
