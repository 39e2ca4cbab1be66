package api_test

import (
	"context"
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

// probeRequests returns requests that could reveal hidden offices, by RPC.
func probeRequests(t *testing.T) map[string][]proto.Message {
	t.Helper()
	from, to := timestamppb.New(tuesday), timestamppb.New(tuesday.AddDate(0, 0, 14))
	all := map[string][]proto.Message{
		"GetDirectoryStatus": {&directoryv1.GetDirectoryStatusRequest{}},
		"ListOffices":        {&directoryv1.ListOfficesRequest{}, &directoryv1.ListOfficesRequest{Node: "milano"}},
		"ListEntries": {
			&directoryv1.ListEntriesRequest{}, &directoryv1.ListEntriesRequest{Kinds: []string{"office"}},
			&directoryv1.ListEntriesRequest{Node: "milano"},
			&directoryv1.ListEntriesRequest{ReferringTo: "node/cremona"},
			&directoryv1.ListEntriesRequest{ReferringTo: "office/" + shelter},
			&directoryv1.ListEntriesRequest{VerifiedBefore: "2030-01-01"},
		},
		"FindOffices": {
			&directoryv1.FindOfficesRequest{}, &directoryv1.FindOfficesRequest{Territory: "019"},
			&directoryv1.FindOfficesRequest{Territory: "019035"},
			&directoryv1.FindOfficesRequest{Territory: "019036", Service: "TRAFFICKING"},
			&directoryv1.FindOfficesRequest{AccessMode: "PHONE"},
			&directoryv1.FindOfficesRequest{Languages: []string{"AR"}, Accessibility: []string{"LIFT"}},
			&directoryv1.FindOfficesRequest{OpenAt: from},
		},
		"ListProposals": {
			&directoryv1.ListProposalsRequest{},
			&directoryv1.ListProposalsRequest{State: directoryv1.ProposalState_PROPOSAL_STATE_PENDING},
		},
		"ListVocabularies": {&directoryv1.ListVocabulariesRequest{}},
		"GetInitiativeCalendar": {
			&directoryv1.GetInitiativeCalendarRequest{},
			&directoryv1.GetInitiativeCalendarRequest{InitiativeId: "corso"},
		},
		"ResolveTerritory": {&directoryv1.ResolveTerritoryRequest{Name: "Crema"}},
		"GetTerritory":     {&directoryv1.GetTerritoryRequest{Code: "019035"}},
		"ListTerritories":  {&directoryv1.ListTerritoriesRequest{Parent: "019"}},
		"ListQualifications": {
			&directoryv1.ListQualificationsRequest{}, &directoryv1.ListQualificationsRequest{Node: "cremona"},
			&directoryv1.ListQualificationsRequest{OfficeId: shelter},
		},
		"DecideProposal": {
			rejectRequest(proposalHidden), rejectRequest(proposalLast),
			rejectRequest("99999999-9999-4999-8999-999999999999"),
		},
	}
	for size := range int32(4) {
		all["ListOffices"] = append(all["ListOffices"], &directoryv1.ListOfficesRequest{PageSize: size + 1},
			&directoryv1.ListOfficesRequest{PageSize: size + 1, Node: "cremona"})
		all["ListEntries"] = append(all["ListEntries"], &directoryv1.ListEntriesRequest{PageSize: size + 1},
			&directoryv1.ListEntriesRequest{PageSize: size + 1, Node: "cremona"})
		all["ListProposals"] = append(all["ListProposals"], &directoryv1.ListProposalsRequest{PageSize: size + 1})
	}
	for _, id := range []string{shelter, otherShelter, "riservato-00000000000000000", "sportello"} {
		for rpc, req := range map[string]proto.Message{
			"GetOffice":        &directoryv1.GetOfficeRequest{OfficeId: id},
			"GetEntry":         &directoryv1.GetEntryRequest{Kind: "office", Id: id},
			"ListEntryHistory": &directoryv1.ListEntryHistoryRequest{Kind: "office", Id: id},
			"PrintOffice":      &directoryv1.PrintOfficeRequest{OfficeId: id},
			"ListOpenings":     &directoryv1.ListOpeningsRequest{OfficeId: id, From: from, To: to},
			"ListFreeWindows": &directoryv1.ListFreeWindowsRequest{
				OfficeId: id, From: from, To: to, LengthMinutes: 30,
			},
			"GetOfficeCalendar": &directoryv1.GetOfficeCalendarRequest{OfficeId: id},
			"ProposeChanges":    validateOnlyRequest(t, newRoom("spia", "office/"+id), 0),
			"ReadDocument":      yamlRequest(t, newRoom("spia", "office/"+id)),
		} {
			all[rpc] = append(all[rpc], req)
		}
		all["PrintOffice"] = append(all["PrintOffice"],
			&directoryv1.PrintOfficeRequest{OfficeId: id, Format: directoryv1.PrintFormat_PRINT_FORMAT_PDF})
		for _, node := range []string{"cremona", "cuneo"} {
			for _, revision := range []int64{0, 3} { // of a new entry, and of the hidden one
				public, hidden := newDesk(id, node), newHiddenOffice(id, node)
				public.Source = "prova"
				all["ReadDocument"] = append(all["ReadDocument"], yamlRequest(t, hidden), yamlRequest(t, public))
				all["ProposeChanges"] = append(all["ProposeChanges"],
					validateOnlyRequest(t, hidden, revision), validateOnlyRequest(t, public, revision))
			}
		}
	}
	for n := range directoryv1.ExportFormat_name {
		for _, node := range []string{"", "milano"} {
			req := &directoryv1.ExportDirectoryRequest{
				Format: directoryv1.ExportFormat(n), Node: node, Vocabulary: "ground",
			}
			all["ExportDirectory"] = append(all["ExportDirectory"], req)
		}
	}
	return all
}

// yamlRequest returns a request to read an entry from YAML.
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
	return &directoryv1.ReadDocumentRequest{Format: inYAML, Kind: e.GetKind(), Content: text}
}

func rejectRequest(id string) proto.Message {
	requestID := "55555555-5555-4555-8555-" + id[:8] + "0000"
	return &directoryv1.DecideProposalRequest{RequestId: requestID, ProposalId: id, Version: 1, Decision: reject}
}

// validateOnlyRequest returns a request to validate a proposal of one entry.
func validateOnlyRequest(t *testing.T, content proto.Message, revision int64) proto.Message {
	t.Helper()
	e := newEntry(t, content)
	e.Revision = revision
	return &directoryv1.ProposeChangesRequest{
		RequestId: "66666666-6666-4666-8666-666666666666", Reason: "prova",
		ValidateOnly: true, Entries: []*directoryv1.Entry{e},
	}
}

// callerSpec is a calling program, with the grants of the person who uses it, if any.
type callerSpec struct {
	name   string
	id     identity.ID
	grants []string
}

// callersWithoutAccess returns callers of every kind who may see no hidden office.
func callersWithoutAccess() []callerSpec {
	console := func(region, node string) identity.ID { return rpctest.ID(region, node, "system", "console") }
	all := []callerSpec{
		{"a system of Cremona", console("lombardia", "cremona"), nil},
		{"a system of the centre", console("all", "centre"), nil},
		{"a system of Cremona with roles", rpctest.ID("lombardia", "cremona", "system", "robot"), nil},
		{"a system of the centre with roles", rpctest.ID("all", "centre", "system", "robot"), nil},
		{"ops of the centre", rpctest.ID("all", "centre", "ops", "ops"), nil},
		{"ops of Cremona", rpctest.ID("lombardia", "cremona", "ops", "ops"), nil},
		{"a case worker of Cremona who acts for Cuneo", console("piemonte", "cuneo"),
			[]string{"lombardia/cremona/case_worker", "piemonte/cuneo/operator"}},
		{"a case worker of Cremona in another region", console("piemonte", "cremona"),
			[]string{"lombardia/cremona/case_worker", "piemonte/cremona/operator"}},
		{"a case worker of the homonym of Cremona", console("piemonte", "cremona"),
			[]string{"piemonte/cremona/case_worker", "piemonte/cremona/coordinator", "piemonte/cremona/editor"}},
		{"an editor of a region and analyst of all", console("all", "centre"),
			[]string{"all/centre/analyst", "all/centre/coordinator", "lombardia/centre/editor"}},
		{"an editor of a region at the centre", console("all", "centre"),
			[]string{"lombardia/centre/editor", "lombardia/centre/publisher"}},
	}
	for _, service := range []string{"intake", "casemanagement", "reporting"} {
		all = append(all,
			callerSpec{service + " of Cremona", rpctest.ID("lombardia", "cremona", "service", service), nil},
			callerSpec{service + " of the centre", rpctest.ID("all", "centre", "service", service), nil})
	}
	for _, n := range slices.Sorted(maps.Keys(accessv1.Role_name)) {
		role := strings.ToLower(strings.TrimPrefix(accessv1.Role_name[n], "ROLE_"))
		if n == 0 {
			continue
		}
		person := func(place, region, node string) callerSpec {
			return callerSpec{role + " of " + place, console(region, node), []string{region + "/" + node + "/" + role}}
		}
		all = append(all, person("Cuneo", "piemonte", "cuneo"))
		if !slices.Contains([]string{"case_worker", "coordinator", "editor"}, role) {
			all = append(all, person("Cremona", "lombardia", "cremona"))
		}
		if !slices.Contains([]string{"editor", "publisher"}, role) {
			all = append(all, person("the centre", "all", "centre"))
		}
	}
	return all
}

func (env *testEnv) dial(t *testing.T, caller callerSpec) *grpc.ClientConn {
	t.Helper()
	token := ""
	if caller.grants != nil {
		token = env.auth.Token(t, "persona", caller.grants...)
	}
	return env.As(t, caller.id, token)
}

// rawCodec is a codec that returns the bytes of a response.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) {
	return proto.Marshal(v.(proto.Message))
}
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}

// callAllPages sends a request and those for its next pages. It returns the raw responses and statuses.
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

// encodeStatus returns everything that a status holds, encoded deterministically: its details hold a map.
func encodeStatus(t *testing.T, err error) string {
	t.Helper()
	st := status.Convert(err)
	text := st.Code().String() + " " + st.Message()
	for _, detail := range st.Details() {
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

// Ensure hidden offices do not exist for unauthorized callers: every RPC returns, byte by byte, the same response as a
// directory that never had them.
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
		// One caller of each kind is enough: roles are checked in the same way as at the centre.
		assertSameResponses(t, with, without, callersWithoutAccess()[:17])
	})
}

// assertSameResponses sends every request to two directories as each caller, and compares the responses.
func assertSameResponses(t *testing.T, with, without *testEnv, callers []callerSpec) {
	t.Helper()
	probes := probeRequests(t)
	services := directoryv1.File_pari_directory_v1_directory_service_proto.Services()
	methods := services.ByName("DirectoryService").Methods()
	for i := range methods.Len() {
		if name := string(methods.Get(i).Name()); len(probes[name]) == 0 {
			t.Errorf("no request for %s: add one that could reveal hidden offices", name)
		}
	}
	for _, caller := range callers {
		withConn, withoutConn := with.dial(t, caller), without.dial(t, caller)
		for rpc, requests := range probes {
			for _, req := range requests {
				want, got := callAllPages(t, withoutConn, rpc, req), callAllPages(t, withConn, rpc, req)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s reveals to %s with %v (-without +with):\n%s", rpc, caller.name, req, diff)
				}
			}
		}
	}
}

// Ensure the requests above can reveal hidden offices at all: authorized callers get a different response from every
// RPC about offices, but the same exports.
func TestHidden_VisibleToAuthorized(t *testing.T) {
	t.Parallel()
	with, without := newHiddenEnvs(t)
	probes := probeRequests(t)
	delete(probes, "DecideProposal") // a proposal can be decided only once
	want := []string{
		"FindOffices", "GetDirectoryStatus", "GetEntry", "GetOffice", "GetOfficeCalendar", "ListEntries",
		"ListEntryHistory", "ListFreeWindows", "ListOffices", "ListOpenings", "ListProposals", "ListQualifications",
		"PrintOffice", "ProposeChanges", "ReadDocument",
	}
	for _, c := range []struct {
		region, node, role string
		notAllowed         []string // RPCs that the role may not call
	}{
		{"all", "centre", "editor", nil},
		{"all", "centre", "publisher", []string{"ProposeChanges", "ReadDocument"}},
		{"lombardia", "cremona", "editor", nil},
		{"lombardia", "cremona", "case_worker", []string{"ProposeChanges", "ReadDocument", "ListProposals"}},
		{"lombardia", "cremona", "coordinator", []string{"ProposeChanges", "ReadDocument", "ListProposals"}},
	} {
		grant := c.region + "/" + c.node + "/" + c.role
		caller := callerSpec{grant, rpctest.ID(c.region, c.node, "system", "console"), []string{grant}}
		withConn, withoutConn := with.dial(t, caller), without.dial(t, caller)
		differs := func(rpc string, req proto.Message) bool {
			return !slices.Equal(callAllPages(t, withoutConn, rpc, req), callAllPages(t, withConn, rpc, req))
		}
		var got []string
		for rpc, requests := range probes {
			if slices.ContainsFunc(requests, func(req proto.Message) bool { return differs(rpc, req) }) {
				got = append(got, rpc)
			}
		}
		slices.Sort(got)
		notAllowed := func(rpc string) bool { return slices.Contains(c.notAllowed, rpc) }
		allowed := slices.DeleteFunc(slices.Clone(want), notAllowed)
		if diff := cmp.Diff(allowed, got); diff != "" {
			t.Errorf("RPCs that reveal hidden offices to %s (-want +got):\n%s", grant, diff)
		}
	}
}
