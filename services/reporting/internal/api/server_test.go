package api_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/reporting/internal/api"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// now is in 2027 in Italy, but in 2026 in UTC.
var now = time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)

var (
	console   = rpctest.ID("all", "centre", "system", "console")
	cruncher  = rpctest.ID("all", "centre", "system", "cruncher")
	portal    = rpctest.ID("lombardia", "cremona", "system", "portal")
	operators = rpctest.ID("all", "centre", "ops", "monitor")

	regionalCruncher = rpctest.ID("piemonte", "centre", "system", "cruncher")
	officeCruncher   = rpctest.ID("all", "centre", "system", "office-cruncher")
	editorSystem     = rpctest.ID("all", "centre", "system", "editor")

	intake = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "intake"}
	cases  = bus.Partition{Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Source: "casemanagement"}
)

type testEnv struct {
	*rpctest.Server
	t     *testing.T
	store *store.Store
}

func codes() *vocabulary.Set {
	list := func(name string, terms ...string) *vocabularyv1.Vocabulary {
		l := &vocabularyv1.Vocabulary{Name: name, Version: 1}
		for _, code := range terms {
			l.Terms = append(l.Terms, &vocabularyv1.Term{Code: code, LabelIt: "it " + code, LabelEn: "en " + code})
		}
		return l
	}
	return vocabulary.NewSet(
		list("ground_group", "G_A", "G_B", "G_C"), list("field_group", "F_A", "F_B", "F_C"),
		list("outcome_group", "O_A"), list("activity_measure", "HOURS", "PERSONS"),
		list("programme_indicator", "IND_A", "IND_B"),
	)
}

func setup(t *testing.T) *testEnv {
	t.Helper()
	s := store.New(pgtest.New(t, "reporting", store.Migrate).Pool(t))
	err := s.AddNodes(context.Background(), []tenant.ID{
		{Region: "lombardia", Node: "milano"}, {Region: "lombardia", Node: "cremona"},
		{Region: "piemonte", Node: "cuneo"},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := rpc.Config{
		Service: "reporting", Vocabulary: codes,
		Grants: rpctest.Grants(t, map[identity.ID]string{
			cruncher: "analyst", regionalCruncher: "analyst", officeCruncher: "{role: analyst, office: ufficio}",
			editorSystem: "editor",
		}),
	}
	started := rpctest.NewEnv(t).Start(t, config, func(r grpc.ServiceRegistrar) {
		server := &api.Server{Store: s, Codes: codes, Now: func() time.Time { return now }}
		reportingv1.RegisterReportingServiceServer(r, server)
	})
	return &testEnv{Server: started, t: t, store: s}
}

// as returns a client with a program's certificate. With grants, it also sends the token of a person who has them.
func (b *testEnv) as(id identity.ID, grants ...string) reportingv1.ReportingServiceClient {
	b.t.Helper()
	token := ""
	if len(grants) > 0 {
		token = b.Env.Token(b.t, "person", grants...)
	}
	return reportingv1.NewReportingServiceClient(b.As(b.t, id, token))
}

func (b *testEnv) analyst(regions ...string) reportingv1.ReportingServiceClient {
	b.t.Helper()
	var grants []string
	for _, r := range regions {
		grants = append(grants, r+"/centre/analyst")
	}
	return b.as(console, grants...)
}

// feed applies events of a partition, one per change. Each slice of changes is one report or case.
func (b *testEnv) feed(p bus.Partition, changes ...[]store.Change) {
	b.t.Helper()
	var (
		events []store.Event
		all    []store.Change
		hash   bus.Hash
	)
	for _, ofOne := range changes {
		pseudonym := uuid.NewString()
		for i, c := range ofOne {
			e := store.NewEvent(bus.Event{
				ID: uuid.NewString(), Type: "it.pari.test.v1", Partition: p, Subject: pseudonym,
				AggregateSeq: int64(i + 1), NodeSeq: int64(len(all) + 1), PrevHash: hash,
				Data: fmt.Append(nil, len(all)),
			})
			events, all, hash = append(events, e), append(all, c), e.Hash
		}
	}
	decode := func(_ bus.Partition, _, _ string, data []byte) (store.Change, error) {
		var i int
		_, err := fmt.Sscan(string(data), &i)
		return all[i], err
	}
	known := func(_, code string) (string, bool) { return code, true }
	r, err := b.store.Apply(context.Background(), store.Batch{Region: p.Tenant.Region, Events: events}, decode, known)
	if err != nil || r.Applied != len(all) {
		b.t.Fatalf("%+v, %v", r, err)
	}
}

// times returns the changes of n equal reports or cases.
func times(n int, c ...store.Change) [][]store.Change { return slices.Repeat([][]store.Change{c}, n) }

func report(month int) store.Change {
	return store.Change{Report: fact.ReportCounted{Month: fact.Month{Year: 2026, Month: month}}}
}

func caseOf(ground, field string) []store.Change {
	return []store.Change{
		{Case: fact.CaseOpened{Month: fact.Month{Year: 2026, Month: 3}}},
		{Case: fact.CaseClassified{Verdict: "V", Grounds: []string{ground}, MainGround: ground, Field: field}},
	}
}

// wantFault fails the test unless err has this reason and names this field.
func wantFault(t *testing.T, err error, reason fault.Reason, paths ...string) {
	t.Helper()
	err = fault.FromStatus(err)
	if !fault.Is(err, reason) {
		t.Fatalf("got %v, want %s", err, reason)
	}
	var f *fault.Error
	if len(paths) > 0 && (!errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Path != paths[0]) {
		t.Errorf("got %v, want %s at %s", err, reason, paths)
	}
}

func get(table, region string, year int32) *reportingv1.GetTableRequest {
	return &reportingv1.GetTableRequest{Table: table, Region: region, Year: year}
}
