package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

const (
	hsds   = directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS
	inYAML = directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML
)

// whole is a server that shows the directory of the program, as it is loaded.
func whole(t testing.TB) *api.Server {
	t.Helper()
	lists, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := entry.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		e.Revision = 7
	}
	server := api.New(func() time.Time { return tuesday }, nil, places(t))
	if err := server.SetSnapshot(store.Snapshot{Revision: 7, ListRevision: 7, Lists: lists, Entries: entries}); err != nil {
		t.Fatal(err)
	}
	return server
}

// askAs calls a server as a person with a grant at the centre.
func askAs(t testing.TB, server *api.Server, grant string) directoryv1.DirectoryServiceClient {
	t.Helper()
	world := rpctest.NewWorld(t)
	started := world.Start(t, rpc.Config{Service: "directory", Region: "all", Node: "centre", Vocabulary: server.Vocabulary, MaxRequest: api.MaxRequest},
		func(r grpc.ServiceRegistrar) { directoryv1.RegisterDirectoryServiceServer(r, server) })
	return directoryv1.NewDirectoryServiceClient(started.As(t, rpctest.ID("all", "centre", "system", "console"), world.Token(t, "elena", grant)))
}

// Ensure what the directory exports comes back as it is: proposing it changes nothing.
func TestReadDocument_BringsBackWhatWasExported(t *testing.T) {
	t.Parallel()
	client := askAs(t, whole(t), "all/centre/editor")
	exported, err := client.ExportDirectory(t.Context(), &directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat_EXPORT_FORMAT_HSDS})
	if err != nil {
		t.Fatal(err)
	}
	read, err := client.ReadDocument(t.Context(), &directoryv1.ReadDocumentRequest{Format: hsds, Content: exported.GetContent()})
	if err != nil || len(read.GetEntries()) < 3 || len(read.GetPassedOver())+len(read.GetWrong()) > 0 {
		t.Fatalf("%d entries, passed over %v, wrong %v, %v", len(read.GetEntries()), read.GetPassedOver(), read.GetWrong(), err)
	}
	// Through a file, as people keep it.
	for _, e := range read.GetEntries() {
		text, err := entry.MarshalYAML(e)
		if err != nil {
			t.Fatal(err)
		}
		file, err := client.ReadDocument(t.Context(), &directoryv1.ReadDocumentRequest{Format: inYAML, Kind: e.GetKind(), Content: text})
		if err != nil || len(file.GetEntries()) != 1 || !entry.Equal(file.GetEntries()[0], e) || len(file.GetWrong()) > 0 {
			t.Errorf("%s as a file: %v, %v", entry.RefOf(e), file, err)
		}
	}
	planned, err := client.ProposeChanges(t.Context(), &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "ritorno", ValidateOnly: true, Entries: read.GetEntries(),
	})
	if err != nil || planned.GetProposal() != nil {
		t.Errorf("proposing it would change %v, %v", planned.GetProposal(), err)
	}
}

// Ensure of what others wrote is told what was passed over and what is missing, in both languages.
func TestReadDocument_OfOthers(t *testing.T) {
	t.Parallel()
	client := askAs(t, whole(t), "all/centre/editor")
	read, err := client.ReadDocument(t.Context(), &directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte(
		`[{"id": "A1", "name": "Associazione", "languages": [{"id": "1", "name": "it"}], "phones": [{"number": "0372 1", "type": "fax"}]}]`)})
	if err != nil || len(read.GetEntries()) != 1 || read.GetEntries()[0].GetOffice().GetOfficeId() != "hsds-a1" || read.GetEntries()[0].GetRevision() != 0 {
		t.Fatal(read, err)
	}
	passed, wrong := map[string]string{}, map[string]string{}
	for _, p := range read.GetPassedOver() {
		passed[p.GetPath()] = p.GetReason()
		if p.GetTextIt() == "" || p.GetTextEn() == "" || p.GetTextIt() == p.GetTextEn() {
			t.Errorf("%s is not told in both languages: %v", p.GetPath(), p)
		}
	}
	for _, p := range read.GetWrong() {
		wrong[p.GetPath()] = p.GetReason()
	}
	if len(passed) != 2 || passed["[0].languages"] != "NO_FIELD" || passed["[0].phones[0]"] != "NO_TELEPHONE" {
		t.Errorf("passed over: %v", passed)
	}
	if wrong["office/hsds-a1.region"] != "BAD_FORMAT" || wrong["office/hsds-a1.kind"] != "UNKNOWN_CODE" && wrong["office/hsds-a1.kind"] != "REQUIRED" {
		t.Errorf("wrong: %v", wrong)
	}
}

func TestReadDocument_Refuses(t *testing.T) {
	t.Parallel()
	server := whole(t)
	client := askAs(t, server, "all/centre/editor")
	for name, c := range map[string]struct {
		req  *directoryv1.ReadDocumentRequest
		want string
	}{
		"nothing":            {&directoryv1.ReadDocumentRequest{Format: hsds}, "content REQUIRED"},
		"no format":          {&directoryv1.ReadDocumentRequest{Content: []byte("x")}, "format REQUIRED"},
		"no JSON":            {&directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte("<html>")}, "content UNREADABLE_DOCUMENT"},
		"one twice":          {&directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte(`[{"id":"a","name":"x"},{"id":"a","name":"y"}]`)}, "content NOT_UNIQUE"},
		"one without id":     {&directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte(`[{"name":"x"}]`)}, "content REQUIRED"},
		"a path for an id":   {&directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte(`[{"id":"a","x_pari":{},"organization_identifiers":[{"identifier_type":"pari","identifier":"../../x"}]}]`)}, "content BAD_FORMAT"},
		"too many":           {&directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte("[" + strings.Repeat("{},", 5000) + "{}]")}, "content TOO_MANY"},
		"YAML without kind":  {&directoryv1.ReadDocumentRequest{Format: inYAML, Content: []byte("name: x")}, "kind REQUIRED"},
		"HSDS with kind":     {&directoryv1.ReadDocumentRequest{Format: hsds, Kind: "office", Content: []byte("[]")}, "kind UNKNOWN_VALUE"},
		"a kind of its own":  {&directoryv1.ReadDocumentRequest{Format: inYAML, Kind: "desk", Content: []byte("name: x")}, "kind UNKNOWN_VALUE"},
		"a field of its own": {&directoryv1.ReadDocumentRequest{Format: inYAML, Kind: "office", Content: []byte("nome: x")}, "content UNREADABLE_DOCUMENT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.ReadDocument(t.Context(), c.req)
			refused(t, err, fault.InvalidRequest, c.want)
		})
	}
	t.Run("who is no editor", func(t *testing.T) {
		t.Parallel()
		_, err := askAs(t, server, "all/centre/publisher").ReadDocument(t.Context(), &directoryv1.ReadDocumentRequest{Format: hsds, Content: []byte("[]")})
		refused(t, err, fault.NotAllowed)
	})
}

// Ensure whatever somebody sends is either refused with a reason or read; and what is read and not wrong can be written down
// and read again.
func FuzzReadDocument(f *testing.F) {
	server := whole(f)
	exported, err := server.ExportDirectory(context.Background(), &directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat_EXPORT_FORMAT_HSDS, Node: "cuneo"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, "", exported.GetContent())
	f.Add(true, "", []byte(`[{"id":"a","x_pari":{"links":[null]},"phones":[null],"services":[null]}]`))
	f.Add(false, "office", []byte("office_id: a\nname: A\nhours: [{weekday: 2, opens: \"09:00\", closes: \"24:00\"}]\n"))
	f.Add(false, "node", []byte("node_id: \"\"\nfallback_node: \"\"\n"))
	f.Add(false, "course", []byte("course_id: c\neditions: [{code: a, from: 2026-02-30}]\n"))
	f.Fuzz(func(t *testing.T, asHSDS bool, kind string, content []byte) {
		req := &directoryv1.ReadDocumentRequest{Format: inYAML, Kind: kind, Content: content}
		if asHSDS {
			req.Format = hsds
		}
		answer, err := server.ReadDocument(context.Background(), req)
		if err != nil {
			if !fault.Is(err, fault.InvalidRequest) {
				t.Fatal(err)
			}
			return
		}
		for _, e := range answer.GetEntries() {
			text, err := entry.MarshalYAML(e)
			if err != nil {
				t.Fatal(err)
			}
			back, err := entry.UnmarshalYAML(e.GetKind(), text)
			if len(answer.GetWrong()) == 0 && (err != nil || !entry.Equal(back, e)) {
				t.Fatalf("%s does not come back from\n%s%v", entry.RefOf(e), text, err)
			}
		}
	})
}
