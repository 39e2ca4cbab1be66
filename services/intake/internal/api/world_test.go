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
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/intake/internal/api"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// morning is when everything in these tests happens.
var morning = time.Date(2026, 11, 23, 9, 41, 27, 123, time.UTC)

// world is intake behind the real chain, for two nodes, with real databases and keys.
type world struct {
	*rpctest.Server
	pool, keyPool *pgxpool.Pool
	keys          *seal.KeyStore
	cases         *cases
	stored        atomic.Int64
}

// cases is a case management that opens one case, or is away.
type cases struct {
	casemanagementv1.CaseManagementServiceClient
	away atomic.Bool
}

const caseID = "5a0b4d34-6a1f-4d5c-9d38-6a2f6a0f6c11"

func (c *cases) OpenCase(context.Context, *casemanagementv1.OpenCaseRequest, ...grpc.CallOption) (*casemanagementv1.OpenCaseResponse, error) {
	if c.away.Load() {
		return nil, errors.New("connection refused")
	}
	return &casemanagementv1.OpenCaseResponse{Case: &casemanagementv1.Case{CaseId: caseID, Number: "CR-F-2026-000001"}}, nil
}

func lists() []*vocabularyv1.Vocabulary {
	var all []*vocabularyv1.Vocabulary
	for name, codes := range map[string]string{
		"channel": "PHONE DESK", "reporter_role": "VICTIM WITNESS", "ground": "SEX DISABILITY", "wish": "HELP", "territory": "019036",
		"consent": "C_WORK C_UNAR", "consent_status": "GIVEN REFUSED",
	} {
		list := &vocabularyv1.Vocabulary{Name: name, Version: 1}
		for code := range strings.FieldsSeq(codes) {
			list.Terms = append(list.Terms, &vocabularyv1.Term{Code: code})
		}
		list.Terms = append(list.Terms, &vocabularyv1.Term{Code: "OLD", ValidTo: "2010-12-31"})
		all = append(all, list)
	}
	return all
}

func portal(node string) identity.ID {
	return rpctest.ID("lombardia", node, identity.KindSystem, "portal")
}

func open(t testing.TB) *world {
	t.Helper()
	w := &world{cases: &cases{}}
	w.pool = pgtest.New(t, "intake", store.Migrate).Pool(t)
	w.keyPool = pgtest.New(t, "keys", func(ctx context.Context, url string) error {
		return pg.Migrate(ctx, url, seal.Schema)
	}).Pool(t)
	log, dir := slog.New(slog.DiscardHandler), t.TempDir()
	kek, secretsFile := filepath.Join(dir, "kek.json"), filepath.Join(dir, "secrets.json")
	err := errors.Join(devkeys.CreateKEK(kek), devkeys.CreateSecrets(secretsFile))
	if err != nil {
		t.Fatal(err)
	}
	if w.keys, err = seal.OpenKeyStore(w.keyPool, kek, log); err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.LoadSecrets(secretsFile)
	if err != nil {
		t.Fatal(err)
	}
	clock, reports := func() time.Time { return morning }, store.New(w.pool)
	server := &api.Server{
		Reports: reports, Keys: w.keys, Secrets: secrets, Handovers: handover.New(reports, w.cases, nil, log, clock),
		NumberPrefixes: map[string]string{"cremona": "CR", "mantova": "MN"}, Stored: func() { w.stored.Add(1) }, Log: log, Now: clock,
	}
	codes := vocabulary.NewSet(lists()...)
	w.Server = rpctest.NewWorld(t).Start(t, rpc.Config{
		Service: "intake", Region: "lombardia", Node: "cremona", Nodes: []string{"cremona", "mantova"}, PerSecond: 1e6,
		Grants:     identity.Grants{portal("cremona").String(): {accessv1.Role_ROLE_SUBMITTER}},
		Vocabulary: func() *vocabulary.Set { return codes },
	}, func(r grpc.ServiceRegistrar) { intakev1.RegisterIntakeServiceServer(r, server) })
	return w
}

// system connects as the portal of Cremona, which may submit.
func (w *world) system(t testing.TB) intakev1.IntakeServiceClient {
	t.Helper()
	return intakev1.NewIntakeServiceClient(w.As(t, portal("cremona"), ""))
}

// person connects as somebody with a role at a node, through its console.
func (w *world) person(t testing.TB, node, role string) intakev1.IntakeServiceClient {
	t.Helper()
	token := w.World.Token(t, "anna", "lombardia/"+node+"/"+role)
	return intakev1.NewIntakeServiceClient(w.As(t, rpctest.ID("lombardia", node, identity.KindSystem, "console"), token))
}

// told is what a reporter tells; everything in it that could lead to them is in secrets.
func told() *intakev1.ReportContent {
	return &intakev1.ReportContent{
		Channel: "PHONE", ReporterRole: "VICTIM", Grounds: []string{"SEX", "DISABILITY"}, Wish: "HELP", IncidentPlace: "019036",
		IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 10, Day: 3}, Language: "it", Urgent: true, NoticeVersion: "2026-01",
		Narrative: "Il padrone di casa mi ha detto di no.",
		Contact:   &intakev1.Contact{Name: "Zelinda Quaglia", Phone: "+39 0372 555 0199", Email: "zelinda@example.org", SafeContact: "solo al mattino"},
		Consents:  []*intakev1.Consent{{Code: "C_WORK", Status: "GIVEN"}, {Code: "C_UNAR", Status: "REFUSED"}},
	}
}

func secretsOf(c *intakev1.ReportContent) []string {
	contact := c.GetContact()
	return []string{c.GetNarrative(), contact.GetName(), contact.GetPhone(), contact.GetEmail(), contact.GetSafeContact(), "Zelinda", "padrone"}
}

func submission(content *intakev1.ReportContent) *intakev1.SubmitReportRequest {
	return &intakev1.SubmitReportRequest{RequestId: uuid.NewString(), Content: content}
}

func submit(t testing.TB, client intakev1.IntakeServiceClient, content *intakev1.ReportContent) *intakev1.SubmitReportResponse {
	t.Helper()
	answer, err := client.SubmitReport(t.Context(), submission(content))
	if err != nil {
		t.Fatal(err)
	}
	return answer
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

// dump writes every row of every table that a node can see in a database, columns of bytes in hexadecimal.
func dump(t testing.TB, pool *pgxpool.Pool, node string) string {
	t.Helper()
	var all strings.Builder
	err := pg.InTenant(t.Context(), pool, node, func(ctx context.Context, tx pgx.Tx) error {
		found, err := tx.Query(ctx, `select tablename from pg_tables where schemaname = 'public' and tablename not like '%\_version' order by 1`)
		if err != nil {
			return err
		}
		tables, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, table := range tables {
			found, err := tx.Query(ctx, `select t::text from `+pgx.Identifier{table}.Sanitize()+` t`)
			if err != nil {
				return err
			}
			rows, err := pgx.CollectRows(found, pgx.RowTo[string])
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

// holds tells whether a dump holds a text, as it is or in bytes.
func holds(dump, text string) bool {
	return strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text)))
}

// count counts rows of a table of Cremona.
func (w *world) count(t testing.TB, table string) (n int) {
	t.Helper()
	if err := pg.InTenant(t.Context(), w.pool, "cremona", func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from `+pgx.Identifier{table}.Sanitize()).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
