package e2e_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// anonymity is a network whose intake has a clock of the test.
type anonymity struct {
	*network.Network

	clock     atomic.Int64
	collector *cluster.Collector
	secrets   *seal.Secrets
}

// submitted is an anonymous report, with all that names it.
type submitted struct {
	requestID uuid.UUID
	response  *intakev1.SubmitReportResponse
	pseudonym string
	basic     *intakev1.Report
	full      *intakev1.Report
}

// Ensure that nothing tells two anonymous reports of one day apart but random values: neither a column of the node's
// databases nor a log, a span, an event at the hub or an answer. They differ in hour, address, user agent, trace,
// request id, in who wrote them down, and in the named reports around them.
func TestAnonymous_NothingTells(t *testing.T) {
	a := startAnonymity(t)
	morning := a.desk(t, "127.0.0.2", "Lynx/2.9", "operator-cremona")
	evening := a.desk(t, "127.0.0.3", "Mozilla/5.0 (Windows)", "coordinator-cremona")
	named := func(hour, minute int) {
		a.setClock(25, hour, minute, 11)
		req := report()
		req.RequestId = uuid.NewString()
		if _, err := morning.SubmitReport(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	named(8, 36)
	first := a.submit(t, morning, 8, 37, 41)
	named(8, 38)
	var others []*submitted
	for hour := range 6 {
		others = append(others, a.submit(t, evening, 9+hour, 0, 0))
	}
	named(20, 52)
	named(20, 53)
	last := a.submit(t, evening, 20, 53, 19)

	// Ensure the counts wait until midnight in Italy.
	eventually(t, "the named reports are counted", func() bool { return len(a.events(t)) == 4 })
	a.setClock(26, 0, 14, 59)
	<-time.After(6 * time.Second) // longer than the node takes to notice a new day
	if n := len(a.events(t)); n != 4 {
		t.Errorf("%d events left before the day closed, want 4", n)
	}
	a.checkDatabases(t, first, last, "intake_cremona.anonymous_count", "intake_cremona.idempotency_key",
		"intake_cremona.report", "intake_cremona.report_history", "intake_cremona_keys.data_key")
	a.setClock(26, 0, 15, 1)
	eventually(t, "the anonymous reports are counted", func() bool { return len(a.events(t)) == 12 })

	all := append(append([]*submitted{first}, others...), last)
	a.read(t, all)
	a.checkEvents(t, all)
	a.checkAnswers(t, first, last)
	a.checkDatabases(t, first, last, "intake_cremona.access_log", "intake_cremona.idempotency_key",
		"intake_cremona.outbox", "intake_cremona.report", "intake_cremona.report_history",
		"intake_cremona_keys.data_key")
	a.checkSpans(t)
	a.checkLog(t, first, last)
}

func startAnonymity(t *testing.T) *anonymity {
	t.Helper()
	collector, err := cluster.StartCollector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(collector.Stop)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+collector.Addr())
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	a := &anonymity{collector: collector}
	a.setClock(25, 8, 0, 0)
	nodes := slices.DeleteFunc(network.DefaultNodes(), func(n network.Node) bool { return n.Name != "cremona" })
	a.Network, err = network.Start(t.Context(), network.Options{
		Dir: filepath.Join(t.TempDir(), "network"), Nodes: nodes,
		Settings: map[string]string{"PARI_CLOSE_DAY_EVERY": "0s", "PARI_LOG_LEVEL": "debug"},
		Now:      func() time.Time { return time.Unix(0, a.clock.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	a.secrets, err = seal.LoadSecrets(map[tenant.ID]string{a.cremona(): a.Env("intake.cremona")["PARI_SECRETS_FILE"]})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// setClock sets the clock of intake to a time in Italy in November 2026.
func (a *anonymity) setClock(day, hour, minute, second int) {
	a.clock.Store(time.Date(2026, 11, day, hour, minute, second, 123, tz.Rome).UnixNano())
}

func (a *anonymity) cremona() tenant.ID { return a.Client().Tenants["cremona"] }

// desk connects from an address, for a person at a desk.
func (a *anonymity) desk(t *testing.T, from, userAgent, user string) intakev1.IntakeServiceClient {
	t.Helper()
	source, err := identity.LoadSource(a.IdentityDir("console.cremona"))
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := a.Client().SignIn(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	bearer := rpc.Bearer(func(context.Context) (string, error) { return token, nil })
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := rpc.Dial(a.Addr["intake.cremona"], source, rpc.Service("intake", a.cremona()),
		grpc.WithUserAgent(userAgent), grpc.WithPerRPCCredentials(bearer),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", addr)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return intakev1.NewIntakeServiceClient(conn)
}

// submit submits an anonymous report at a time of 25 November. The request id is made from the time.
func (a *anonymity) submit(
	t *testing.T, desk intakev1.IntakeServiceClient, hour, minute, second int,
) *submitted {
	t.Helper()
	a.setClock(25, hour, minute, second)
	id, err := uuid.NewUUID()
	if err != nil {
		t.Fatal(err)
	}
	req := report()
	req.RequestId, req.Content.Anonymous, req.Content.Contact = id.String(), true, nil
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-forwarded-for", fmt.Sprintf("203.0.113.%d", hour))
	resp, err := desk.SubmitReport(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	pseudonym := a.secrets.Pseudonym(a.cremona(), "report/"+resp.GetReportId())
	return &submitted{requestID: id, response: resp, pseudonym: pseudonym}
}

// read reads the reports as their operator, and their content, at one time.
func (a *anonymity) read(t *testing.T, reports []*submitted) {
	t.Helper()
	token, _, err := a.Client().SignIn(t.Context(), "operator-cremona")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := a.Client().Conn("intake.cremona", "console.cremona", token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	intake := intakev1.NewIntakeServiceClient(conn)
	page, err := intake.ListReports(t.Context(), &intakev1.ListReportsRequest{})
	if err != nil || len(page.GetReports()) != 12 {
		t.Fatalf("%d reports, %v", len(page.GetReports()), err)
	}
	for _, r := range reports {
		i := slices.IndexFunc(page.GetReports(), func(listed *intakev1.Report) bool {
			return listed.GetReportId() == r.response.GetReportId()
		})
		r.basic = page.GetReports()[i]
		got, err := intake.GetReport(t.Context(), &intakev1.GetReportRequest{
			ReportId: r.response.GetReportId(), View: intakev1.ReportView_REPORT_VIEW_FULL,
		})
		if err != nil {
			t.Fatal(err)
		}
		r.full = got.GetReport()
	}
}

// events returns the events of intake at the hub, in their order.
func (a *anonymity) events(t *testing.T) (all []jetstream.Msg) {
	t.Helper()
	source, err := identity.LoadSource(a.IdentityDir("reporting"))
	if err != nil {
		t.Fatal(err)
	}
	id := source.ID()
	conn, err := bus.Connect(t.Context(), bus.Config{
		URL: "tls://" + a.Addr["hub"], Name: "test", Identity: source,
		InboxPrefix: bus.InboxPrefix(id.Tenant, id.Name),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := callContext(t)
	consumer, err := bus.EnsureConsumer(ctx, conn, "test-"+uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.FetchNoWait(1000)
	if err != nil {
		t.Fatal(err)
	}
	for msg := range batch.Messages() {
		if strings.Contains(msg.Subject(), ".events.intake.") {
			all = append(all, msg)
		}
	}
	return all
}

// checkEvents checks that the events of the anonymous reports are the same, and left in another order than they came.
func (a *anonymity) checkEvents(t *testing.T, reports []*submitted) {
	t.Helper()
	place := map[string]int{}
	texts := map[string]string{}
	for i, msg := range a.events(t)[4:] {
		subject := msg.Headers()["ce-subject"][0]
		var text strings.Builder
		fmt.Fprintln(&text, msg.Subject(), hex.EncodeToString(msg.Data()))
		for _, name := range slices.Sorted(maps.Keys(msg.Headers())) {
			// Some headers are of the place in the random order in which the events left.
			if !slices.Contains([]string{"ce-nodeseq", "ce-prevhash", "ce-signature"}, name) &&
				!strings.HasPrefix(name, "Nats-Batch-") {
				fmt.Fprintln(&text, name, normalise(msg.Headers().Get(name)))
			}
		}
		place[subject], texts[subject] = i, text.String()
		if _, traced := msg.Headers()["ce-traceparent"]; traced {
			t.Errorf("an event has a trace: %v", msg.Headers())
		}
	}
	var order []int
	for _, r := range reports {
		i, ok := place[r.pseudonym]
		if !ok {
			t.Fatalf("no event of report %s", r.response.GetNumber())
		}
		order = append(order, i)
		if diff := cmp.Diff(texts[reports[0].pseudonym], texts[r.pseudonym]); diff != "" {
			t.Errorf("events differ: %s", diff)
		}
	}
	if slices.IsSorted(order) {
		t.Errorf("the counts left in the order of the reports: %v", order)
	}
}

func (a *anonymity) checkAnswers(t *testing.T, first, last *submitted) {
	t.Helper()
	for name, pair := range map[string][2]proto.Message{
		"submission": {first.response, last.response}, "list": {first.basic, last.basic},
		"full": {first.full, last.full},
	} {
		text := func(m proto.Message) string {
			if r, ok := m.(*intakev1.SubmitReportResponse); ok {
				r = proto.CloneOf(r)
				r.ReceiptCode = fmt.Sprint(len(strings.Fields(r.GetReceiptCode())), " words")
				m = r
			}
			raw, err := protojson.MarshalOptions{}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			return normalise(strings.ReplaceAll(string(raw), ", ", ","))
		}
		if diff := cmp.Diff(text(pair[0]), text(pair[1])); diff != "" {
			t.Errorf("%s: answers differ: %s", name, diff)
		}
	}
}

var (
	uuids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	numbers = regexp.MustCompile(`CR-2026-[0-9A-Z]{5}-[0-9A-Z]`)
	byteas  = regexp.MustCompile(`\\\\x[0-9a-f]*`)
	// places are the columns of the outbox of the order in which events left, which is random.
	places = regexp.MustCompile(`"(id|node_seq)": \d+`)
	// A data key is encoded with a random number of its own, so its length is random.
	wrapped = regexp.MustCompile(`"wrapped": "\d+ bytes"`)
)

// normalise replaces random values by their kind, and bytes by their number.
func normalise(text string) string {
	text = byteas.ReplaceAllStringFunc(text, func(b string) string { return fmt.Sprint(len(b)/2, " bytes") })
	text = wrapped.ReplaceAllString(text, `"wrapped": …`)
	return numbers.ReplaceAllString(uuids.ReplaceAllString(text, "UUID"), "NUMBER")
}

// checkDatabases compares every row that belongs to one of two reports, in every table of the node; want are the tables
// that have some. It also checks that no row at all holds the second of a submission or a request id.
func (a *anonymity) checkDatabases(t *testing.T, first, last *submitted, want ...string) {
	t.Helper()
	rows := map[string][]string{} // by table
	for _, database := range a.NodeDatabases() {
		if strings.HasPrefix(database, "directory") {
			continue // public data only
		}
		a.dump(t, database, rows)
	}
	found := map[string]bool{}
	of := func(r *submitted) (own []string) {
		names := []string{
			r.response.GetReportId(), r.response.GetNumber(), r.pseudonym,
			hex.EncodeToString(a.secrets.RequestKey(a.cremona(), r.requestID.String())),
		}
		for table, all := range rows {
			for _, row := range all {
				if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(row, name) }) {
					found[table] = true
					checkRandom(t, table, row)
					if strings.HasSuffix(table, ".outbox") {
						row = places.ReplaceAllString(row, `"$1": …`)
					}
					own = append(own, table+" "+normalise(row))
				}
			}
		}
		slices.Sort(own)
		return own
	}
	if diff := cmp.Diff(of(first), of(last)); diff != "" {
		t.Errorf("rows differ: %s", diff)
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("tables with rows of the reports: %s", diff)
	}
	for table, all := range rows {
		for _, row := range all {
			for _, word := range []string{
				":36:11", ":37:41", ":38:11", ":52:11", ":53:11", ":53:19",
				first.requestID.String(), last.requestID.String(),
				hex.EncodeToString(first.requestID[:]), hex.EncodeToString(last.requestID[:]), "127.0.0.", "203.0.113.",
				"Lynx", "Mozilla",
			} {
				if strings.Contains(row, word) {
					t.Errorf("%s holds %s: %s", table, word, row)
				}
			}
		}
	}
}

// checkRandom checks that the identifiers of a row are random or derived with a key: others tell a time or a device.
func checkRandom(t *testing.T, table, row string) {
	t.Helper()
	for _, id := range uuids.FindAllString(row, -1) {
		if version := uuid.MustParse(id).Version(); version != 4 && version != 8 {
			t.Errorf("%s has an identifier of version %d: %s", table, version, row)
		}
	}
}

// dump adds every row of every table of a database as JSON.
func (a *anonymity) dump(t *testing.T, database string, rows map[string][]string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), a.Postgres.URL(pglocal.Superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	query := func(sql string) []string {
		found, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return texts
	}
	for _, table := range query(`select tablename::text from pg_tables where schemaname = 'public'`) {
		rows[database+"."+table] = query(`select to_jsonb(t)::text from ` + pgx.Identifier{table}.Sanitize() + ` t`)
	}
}

// checkSpans checks that submissions have no span at the node, and that the trace of their caller ends there.
func (a *anonymity) checkSpans(t *testing.T) {
	t.Helper()
	traces := func(name string, kind tracev1.Span_SpanKind) map[string]bool {
		ids := map[string]bool{}
		for _, s := range a.collector.All() {
			if s.GetKind() == kind && strings.HasSuffix(s.GetName(), name) {
				ids[string(s.GetTraceId())] = true
			}
		}
		return ids
	}
	eventually(t, "the spans of reading arrive", func() bool {
		return len(traces("IntakeService/GetReport", tracev1.Span_SPAN_KIND_SERVER)) == 8
	})
	if n := len(traces("IntakeService/SubmitReport", tracev1.Span_SPAN_KIND_SERVER)); n != 0 {
		t.Errorf("%d submissions have a span", n)
	}
	callers := traces("IntakeService/SubmitReport", tracev1.Span_SPAN_KIND_CLIENT)
	if len(callers) != 12 {
		t.Errorf("%d traces of callers, want 12", len(callers))
	}
	for _, s := range a.collector.All() {
		if callers[string(s.GetTraceId())] && s.GetKind() != tracev1.Span_SPAN_KIND_CLIENT {
			t.Errorf("span %s is in the trace of a caller", s.GetName())
		}
		for _, l := range s.GetLinks() {
			if callers[string(l.GetTraceId())] {
				t.Errorf("span %s is linked to a submission", s.GetName())
			}
		}
	}
}

// checkLog checks that no line is about a submission, or names a report.
func (a *anonymity) checkLog(t *testing.T, reports ...*submitted) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(a.Dir, "pari.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "IntakeService/GetReport") {
		t.Error("the log has no calls")
	}
	words := []string{"SubmitReport", "127.0.0.2", "127.0.0.3", "203.0.113."}
	for _, r := range reports {
		words = append(words, r.requestID.String(), r.response.GetReportId(), r.response.GetNumber(), r.pseudonym)
	}
	for line := range strings.Lines(string(log)) {
		for _, word := range words {
			if strings.Contains(line, word) {
				t.Errorf("a line of the log holds %s: %s", word, line)
			}
		}
	}
}
