package api_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// questions are the requests with which somebody looks for hidden offices, by RPC.
func probeRequests(t *testing.T) map[string][]proto.Message {
	t.Helper()
	from, to := timestamppb.New(tuesday), timestamppb.New(tuesday.AddDate(0, 0, 14))
	all := map[string][]proto.Message{
		"GetDirectoryStatus": {&directoryv1.GetDirectoryStatusRequest{}},
		"ListOffices":        {&directoryv1.ListOfficesRequest{}, &directoryv1.ListOfficesRequest{Node: "milano"}},
		"ListEntries": {
			&directoryv1.ListEntriesRequest{}, &directoryv1.ListEntriesRequest{Kinds: []string{"office"}}, &directoryv1.ListEntriesRequest{Node: "milano"},
			&directoryv1.ListEntriesRequest{ReferringTo: "node/cremona"}, &directoryv1.ListEntriesRequest{ReferringTo: "office/" + shelter},
			&directoryv1.ListEntriesRequest{VerifiedBefore: "2030-01-01"},
		},
		"FindOffices": {
			&directoryv1.FindOfficesRequest{}, &directoryv1.FindOfficesRequest{Territory: "019"}, &directoryv1.FindOfficesRequest{Territory: "019035"},
			&directoryv1.FindOfficesRequest{Territory: "019036", Service: "TRAFFICKING"}, &directoryv1.FindOfficesRequest{AccessMode: "PHONE"},
			&directoryv1.FindOfficesRequest{Languages: []string{"AR"}, Accessibility: []string{"LIFT"}}, &directoryv1.FindOfficesRequest{OpenAt: from},
		},
		"ListProposals":         {&directoryv1.ListProposalsRequest{}, &directoryv1.ListProposalsRequest{State: directoryv1.ProposalState_PROPOSAL_STATE_PENDING}},
		"ListVocabularies":      {&directoryv1.ListVocabulariesRequest{}},
		"GetInitiativeCalendar": {&directoryv1.GetInitiativeCalendarRequest{}, &directoryv1.GetInitiativeCalendarRequest{InitiativeId: "corso"}},
		"ResolveTerritory":      {&directoryv1.ResolveTerritoryRequest{Name: "Crema"}},
		"GetTerritory":          {&directoryv1.GetTerritoryRequest{Code: "019035"}},
		"ListTerritories":       {&directoryv1.ListTerritoriesRequest{Parent: "019"}},
		"ListQualifications": {
			&directoryv1.ListQualificationsRequest{}, &directoryv1.ListQualificationsRequest{Node: "cremona"}, &directoryv1.ListQualificationsRequest{OfficeId: shelter},
		},
		"DecideProposal": {rejectRequest(proposalHidden), rejectRequest(proposalLast), rejectRequest("99999999-9999-4999-8999-999999999999")},
	}
	for size := range int32(4) {
		all["ListOffices"] = append(all["ListOffices"], &directoryv1.ListOfficesRequest{PageSize: size + 1}, &directoryv1.ListOfficesRequest{PageSize: size + 1, Node: "cremona"})
		all["ListEntries"] = append(all["ListEntries"], &directoryv1.ListEntriesRequest{PageSize: size + 1}, &directoryv1.ListEntriesRequest{PageSize: size + 1, Node: "cremona"})
		all["ListProposals"] = append(all["ListProposals"], &directoryv1.ListProposalsRequest{PageSize: size + 1})
	}
	for _, id := range []string{shelter, otherShelter, "riservato-00000000000000000", "sportello"} {
		for rpc, req := range map[string]proto.Message{
			"GetOffice": &directoryv1.GetOfficeRequest{OfficeId: id}, "GetEntry": &directoryv1.GetEntryRequest{Kind: "office", Id: id},
			"ListEntryHistory": &directoryv1.ListEntryHistoryRequest{Kind: "office", Id: id}, "PrintOffice": &directoryv1.PrintOfficeRequest{OfficeId: id},
			"ListOpenings":      &directoryv1.ListOpeningsRequest{OfficeId: id, From: from, To: to},
			"ListFreeWindows":   &directoryv1.ListFreeWindowsRequest{OfficeId: id, From: from, To: to, LengthMinutes: 30},
			"GetOfficeCalendar": &directoryv1.GetOfficeCalendarRequest{OfficeId: id},
			"ProposeChanges":    validateOnlyRequest(t, newRoom("spia", "office/"+id), 0),
			"ReadDocument":      yamlRequest(t, newRoom("spia", "office/"+id)),
		} {
			all[rpc] = append(all[rpc], req)
		}
		all["PrintOffice"] = append(all["PrintOffice"], &directoryv1.PrintOfficeRequest{OfficeId: id, Format: directoryv1.PrintFormat_PRINT_FORMAT_PDF})
		for _, node := range []string{"cremona", "cuneo"} {
			for _, revision := range []int64{0, 3} { // of a new entry, and of the hidden one
				public := newDesk(id, node)
				public.Source = "prova"
				all["ReadDocument"] = append(all["ReadDocument"], yamlRequest(t, newHiddenOffice(id, node)), yamlRequest(t, public))
				all["ProposeChanges"] = append(all["ProposeChanges"], validateOnlyRequest(t, newHiddenOffice(id, node), revision), validateOnlyRequest(t, public, revision))
			}
		}
	}
	for n := range directoryv1.ExportFormat_name {
		for _, node := range []string{"", "milano"} {
			all["ExportDirectory"] = append(all["ExportDirectory"], &directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat(n), Node: node, Vocabulary: "ground"})
		}
	}
	return all
}

// asFile is the question what a file would be in the directory.
func yamlRequest(t *testing.T, content proto.Message) proto.Message {
	t.Helper()
	e, err := entry.New(content)
	if err != nil {
		t.Fatal(err)
	}
	text, err := entry.MarshalYAML(e)
	if err != nil {
		t.Fatal(err)
	}
	return &directoryv1.ReadDocumentRequest{Format: directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML, Kind: e.GetKind(), Content: text}
}

func rejectRequest(id string) proto.Message {
	return &directoryv1.DecideProposalRequest{RequestId: "55555555-5555-4555-8555-" + id[:8] + "0000", ProposalId: id, Version: 1, Decision: reject}
}

// attempt tries what a proposal would do.
func validateOnlyRequest(t *testing.T, content proto.Message, revision int64) proto.Message {
	t.Helper()
	e := newEntry(t, content)
	e.Revision = revision
	return &directoryv1.ProposeChangesRequest{
		RequestId: "66666666-6666-4666-8666-666666666666", Reason: "prova", ValidateOnly: true, Entries: []*directoryv1.Entry{e},
	}
}

// someone is one who calls: a program, and the grants of a person who speaks through it, if one does.
type callerSpec struct {
	name   string
	id     identity.ID
	grants []string
}

// strangers are all who may see none of the hidden offices.
func callersWithoutAccess() []callerSpec {
	console := func(region, node string) identity.ID { return rpctest.ID(region, node, "system", "console") }
	all := []callerSpec{
		{"a system of Cremona", console("lombardia", "cremona"), nil}, {"a system of the centre", console("all", "centre"), nil},
		{"a system of Cremona with roles", rpctest.ID("lombardia", "cremona", "system", "robot"), nil},
		{"a system of the centre with roles", rpctest.ID("all", "centre", "system", "robot"), nil},
		{"ops of the centre", rpctest.ID("all", "centre", "ops", "ops"), nil}, {"ops of Cremona", rpctest.ID("lombardia", "cremona", "ops", "ops"), nil},
		{"a case worker of Cremona who speaks for Cuneo", console("piemonte", "cuneo"), []string{"lombardia/cremona/case_worker", "piemonte/cuneo/operator"}},
		{"a case worker of a Cremona elsewhere", console("piemonte", "cremona"), []string{"lombardia/cremona/case_worker", "piemonte/cremona/operator"}},
		{"an editor of a region at the centre", console("all", "centre"), []string{"lombardia/centre/editor", "lombardia/centre/publisher"}},
	}
	for _, service := range []string{"intake", "casemanagement", "reporting"} {
		all = append(all, callerSpec{service + " of Cremona", rpctest.ID("lombardia", "cremona", "service", service), nil},
			callerSpec{service + " of the centre", rpctest.ID("all", "centre", "service", service), nil})
	}
	for _, n := range slices.Sorted(maps.Keys(accessv1.Role_name)) {
		role := strings.ToLower(strings.TrimPrefix(accessv1.Role_name[n], "ROLE_"))
		if n == 0 {
			continue
		}
		all = append(all, callerSpec{role + " of Cuneo", console("piemonte", "cuneo"), []string{"piemonte/cuneo/" + role}})
		if !slices.Contains([]string{"case_worker", "coordinator", "editor"}, role) {
			all = append(all, callerSpec{role + " of Cremona", console("lombardia", "cremona"), []string{"lombardia/cremona/" + role}})
		}
		if !slices.Contains([]string{"editor", "publisher"}, role) {
			all = append(all, callerSpec{role + " of the centre", console("all", "centre"), []string{"all/centre/" + role}})
		}
	}
	return all
}

func (env *testEnv) dial(t *testing.T, who callerSpec) *grpc.ClientConn {
	t.Helper()
	token := ""
	if who.grants != nil {
		token = env.auth.Token(t, "persona", who.grants...)
	}
	return env.As(t, who.id, token)
}

// bytesOf is a codec that leaves an answer as it came.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) {
	return proto.Marshal(v.(proto.Message))
}
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}

// hear asks one question and, page by page, those that follow from it; it returns all that comes back, refusals included.
func callAllPages(t *testing.T, conn *grpc.ClientConn, rpc string, req proto.Message) (responses []string) {
	t.Helper()
	req = proto.Clone(req)
	for {
		var raw []byte
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := conn.Invoke(ctx, "/pari.directory.v1.DirectoryService/"+rpc, req, &raw, grpc.ForceCodec(rawCodec{}))
		cancel()
		responses = append(responses, string(raw)+encodeStatus(t, err))
		next := ""
		switch rpc { // where the contract has pages
		case "ListOffices":
			next = nextPageToken(t, raw, &directoryv1.ListOfficesResponse{})
		case "ListEntries":
			next = nextPageToken(t, raw, &directoryv1.ListEntriesResponse{})
		case "ListProposals":
			next = nextPageToken(t, raw, &directoryv1.ListProposalsResponse{})
		}
		if next == "" {
			return responses
		}
		token := req.ProtoReflect().Descriptor().Fields().ByName("page_token")
		req.ProtoReflect().Set(token, protoreflect.ValueOfString(next))
	}
}

// refusalOf is all that a refusal says. Its details hold a map, whose order in bytes is chance.
func encodeStatus(t *testing.T, err error) string {
	t.Helper()
	said := status.Convert(err)
	text := said.Code().String() + " " + said.Message()
	for _, detail := range said.Details() {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(detail.(proto.Message))
		if err != nil {
			t.Fatal(err)
		}
		text += string(raw)
	}
	return text
}

func nextPageToken(t *testing.T, raw []byte, into interface {
	proto.Message
	GetNextPageToken() string
}) string {
	t.Helper()
	if err := proto.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return into.GetNextPageToken()
}

// Ensure that to everybody but those who may see them hidden offices do not exist: every RPC that there is answers, byte by
// byte, as a directory that has never had them.
func TestHidden_DoesNotExist(t *testing.T) {
	t.Parallel()
	t.Run("at the centre", func(t *testing.T) {
		t.Parallel()
		with, without := newHiddenEnvs(t)
		assertSameResponses(t, with, without, callersWithoutAccess())
	})
	t.Run("at a node", func(t *testing.T) {
		t.Parallel()
		with, without := newHiddenEnvs(t)
		for _, env := range []*testEnv{with, without} {
			env.server.ConfirmedAt = func() time.Time { return tuesday }
		}
		assertSameResponses(t, with, without, callersWithoutAccess()[:15]) // each kind of program, and who is somebody elsewhere; roles are told apart the same way
	})
}

// same asks two directories every question, as everybody in turn, and wants the same answers.
func assertSameResponses(t *testing.T, with, without *testEnv, callers []callerSpec) {
	t.Helper()
	asked := probeRequests(t)
	methods := directoryv1.File_pari_directory_v1_directory_service_proto.Services().ByName("DirectoryService").Methods()
	for i := range methods.Len() {
		if name := string(methods.Get(i).Name()); len(asked[name]) == 0 {
			t.Errorf("no question is asked of %s: add one that could tell something hidden", name)
		}
	}
	for _, who := range callers {
		here, there := with.dial(t, who), without.dial(t, who)
		for rpc, requests := range asked {
			for _, req := range requests {
				if diff := cmp.Diff(callAllPages(t, there, rpc, req), callAllPages(t, here, rpc, req)); diff != "" {
					t.Errorf("%s learns from %s %v (-without +with):\n%s", who.name, rpc, req, diff)
				}
			}
		}
	}
}

// Ensure that the questions above can tell hidden offices at all: those who may see them hear another answer from every RPC
// that speaks of offices, and exports are the same even to them.
func TestHidden_QuestionsTell(t *testing.T) {
	t.Parallel()
	with, without := newHiddenEnvs(t)
	asked := probeRequests(t)
	delete(asked, "DecideProposal") // what one decides the next cannot
	want := []string{
		"FindOffices", "GetDirectoryStatus", "GetEntry", "GetOffice", "GetOfficeCalendar", "ListEntries", "ListEntryHistory", "ListFreeWindows",
		"ListOffices", "ListOpenings", "ListProposals", "ListQualifications", "PrintOffice", "ProposeChanges", "ReadDocument",
	}
	for _, c := range []struct {
		who  callerSpec
		lack []string // what the role may not call
	}{
		{callerSpec{"editor of the centre", rpctest.ID("all", "centre", "system", "console"), []string{"all/centre/editor"}}, nil},
		{callerSpec{"publisher of the centre", rpctest.ID("all", "centre", "system", "console"), []string{"all/centre/publisher"}}, []string{"ProposeChanges", "ReadDocument"}},
		{callerSpec{"editor of Cremona", rpctest.ID("lombardia", "cremona", "system", "console"), []string{"lombardia/cremona/editor"}}, nil},
		{callerSpec{"case worker of Cremona", rpctest.ID("lombardia", "cremona", "system", "console"), []string{"lombardia/cremona/case_worker"}}, []string{"ProposeChanges", "ReadDocument", "ListProposals"}},
		{callerSpec{"coordinator of Cremona", rpctest.ID("lombardia", "cremona", "system", "console"), []string{"lombardia/cremona/coordinator"}}, []string{"ProposeChanges", "ReadDocument", "ListProposals"}},
	} {
		here, there := with.dial(t, c.who), without.dial(t, c.who)
		var told []string
		for rpc, requests := range asked {
			if slices.ContainsFunc(requests, func(req proto.Message) bool {
				return fmt.Sprint(callAllPages(t, there, rpc, req)) != fmt.Sprint(callAllPages(t, here, rpc, req))
			}) {
				told = append(told, rpc)
			}
		}
		slices.Sort(told)
		if diff := cmp.Diff(slices.DeleteFunc(slices.Clone(want), func(rpc string) bool { return slices.Contains(c.lack, rpc) }), told); diff != "" {
			t.Errorf("RPCs that tell %s of hidden offices (-want +got):\n%s", c.who.name, diff)
		}
	}
}
