package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/pgtest"
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
	inHSDS = directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS
	inYAML = directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML
)

// newFullServer returns a server with the embedded directory. Only proposals need a database.
func newFullServer(t testing.TB, pool *pgxpool.Pool) *api.Server {
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
	server := api.New(func() time.Time { return tuesday }, pool, territoryIndex(t))
	snapshot := store.Snapshot{Revision: 7, ListRevision: 7, Lists: lists, Entries: entries}
	if err := server.SetSnapshot(snapshot); err != nil {
		t.Fatal(err)
	}
	return server
}

// newCentreClient connects to a server as a person with a grant at the centre.
func newCentreClient(t testing.TB, server *api.Server, grant string) directoryv1.DirectoryServiceClient {
	t.Helper()
	auth := rpctest.NewEnv(t)
	config := rpc.Config{Service: "directory", Vocabulary: server.Vocabulary}
	started := auth.Start(t, config, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, server)
	})
	conn := started.As(t, rpctest.ID("all", "centre", "system", "console"), auth.Token(t, "elena", grant))
	return directoryv1.NewDirectoryServiceClient(conn)
}

// Ensure an exported directory reads back unchanged: proposing it changes nothing.
func TestServer_ReadDocument_RoundTripsExport(t *testing.T) {
	t.Parallel()
	server := newFullServer(t, pgtest.New(t, "directory", store.Migrate).Pool(t))
	client := newCentreClient(t, server, "all/centre/editor")
	exported, err := client.ExportDirectory(t.Context(),
		&directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat_EXPORT_FORMAT_HSDS})
	if err != nil {
		t.Fatal(err)
	}
	read, err := client.ReadDocument(t.Context(),
		&directoryv1.ReadDocumentRequest{Format: inHSDS, Content: exported.GetContent()})
	if err != nil || len(read.GetEntries()) < 3 || len(read.GetPassedOver())+len(read.GetWrong()) > 0 {
		t.Fatalf("%d entries, passed over %v, wrong %v, %v",
			len(read.GetEntries()), read.GetPassedOver(), read.GetWrong(), err)
	}
	for _, e := range read.GetEntries() {
		text, err := entry.MarshalYAML(e)
		if err != nil {
			t.Fatal(err)
		}
		file, err := client.ReadDocument(t.Context(),
			&directoryv1.ReadDocumentRequest{Format: inYAML, Kind: e.GetKind(), Content: text})
		if err != nil || len(file.GetEntries()) != 1 || !entry.Equal(file.GetEntries()[0], e) ||
			len(file.GetWrong()) > 0 {
			t.Errorf("%s as YAML: %v, %v", entry.RefOf(e), file, err)
		}
	}
	planned, err := client.ProposeChanges(t.Context(), &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "ritorno", ValidateOnly: true, Entries: read.GetEntries(),
	})
	if err != nil || planned.GetProposal() != nil {
		t.Errorf("proposing it would change %v, %v", planned.GetProposal(), err)
	}
}

// Ensure a foreign document is read with a list of what was passed over and what is missing, in both languages.
func TestServer_ReadDocument_Foreign(t *testing.T) {
	t.Parallel()
	client := newCentreClient(t, newFullServer(t, nil), "all/centre/editor")
	content := []byte(`[{"id": "A1", "name": "Associazione", "languages": [{"id": "1", "name": "it"}],
		"phones": [{"number": "0372 1", "type": "fax"}]}]`)
	read, err := client.ReadDocument(t.Context(), &directoryv1.ReadDocumentRequest{Format: inHSDS, Content: content})
	if err != nil || len(read.GetEntries()) != 1 {
		t.Fatal(read, err)
	}
	if e := read.GetEntries()[0]; e.GetOffice().GetOfficeId() != "hsds-a1" || e.GetRevision() != 0 {
		t.Fatal(e)
	}
	passed, wrong := map[string]string{}, map[string]string{}
	for _, p := range read.GetPassedOver() {
		passed[p.GetPath()] = p.GetReason()
		if p.GetTextIt() == "" || p.GetTextEn() == "" || p.GetTextIt() == p.GetTextEn() {
			t.Errorf("%s is not explained in both languages: %v", p.GetPath(), p)
		}
	}
	for _, p := range read.GetWrong() {
		wrong[p.GetPath()] = p.GetReason()
	}
	if len(passed) != 2 || passed["[0].languages"] != "NO_FIELD" || passed["[0].phones[0]"] != "NO_TELEPHONE" {
		t.Errorf("passed over: %v", passed)
	}
	kind := wrong["office/hsds-a1.kind"]
	if wrong["office/hsds-a1.region"] != "BAD_FORMAT" || kind != "UNKNOWN_CODE" && kind != "REQUIRED" {
		t.Errorf("wrong: %v", wrong)
	}
}

func TestServer_ReadDocument_RefusesUnreadable(t *testing.T) {
	t.Parallel()
	server := newFullServer(t, nil)
	client := newCentreClient(t, server, "all/centre/editor")
	const badID = `[{"id":"a","x_pari":{},` +
		`"organization_identifiers":[{"identifier_type":"pari","identifier":"../../x"}]}]`
	for name, c := range map[string]struct {
		format  directoryv1.DocumentFormat
		kind    string
		content string
		want    string
	}{
		"no content":     {inHSDS, "", "", "content REQUIRED"},
		"no format":      {0, "", "x", "format REQUIRED"},
		"no JSON":        {inHSDS, "", "<html>", "content UNREADABLE_DOCUMENT"},
		"duplicate id":   {inHSDS, "", `[{"id":"a","name":"x"},{"id":"a","name":"y"}]`, "content NOT_UNIQUE"},
		"no id":          {inHSDS, "", `[{"name":"x"}]`, "content REQUIRED"},
		"a path as id":   {inHSDS, "", badID, "content BAD_FORMAT"},
		"too many":       {inHSDS, "", "[" + strings.Repeat("{},", 5000) + "{}]", "content TOO_MANY"},
		"YAML, no kind":  {inYAML, "", "name: x", "kind REQUIRED"},
		"HSDS with kind": {inHSDS, "office", "[]", "kind UNKNOWN_VALUE"},
		"unknown kind":   {inYAML, "desk", "name: x", "kind UNKNOWN_VALUE"},
		"unknown field":  {inYAML, "office", "nome: x", "content UNREADABLE_DOCUMENT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := &directoryv1.ReadDocumentRequest{Format: c.format, Kind: c.kind, Content: []byte(c.content)}
			_, err := client.ReadDocument(t.Context(), req)
			assertFault(t, err, fault.InvalidRequest, c.want)
		})
	}
	t.Run("a caller who is no editor", func(t *testing.T) {
		t.Parallel()
		req := &directoryv1.ReadDocumentRequest{Format: inHSDS, Content: []byte("[]")}
		_, err := newCentreClient(t, server, "all/centre/publisher").ReadDocument(t.Context(), req)
		assertFault(t, err, fault.NotAllowed)
	})
}

// Ensure the fault names the line or the field at which YAML cannot be parsed, and no content of the file.
func TestServer_ReadDocument_NamesPosition(t *testing.T) {
	t.Parallel()
	server := newFullServer(t, nil)
	for content, want := range map[string]string{
		"segreto: x": "segreto", "name: x\n\tsegreto": "line 2", "description: [segreto]": "description",
		"[segreto]": "line 1", strings.Repeat("segreto", 1<<20): "", // too long
	} {
		req := &directoryv1.ReadDocumentRequest{Format: inYAML, Kind: "office", Content: []byte(content)}
		_, err := server.ReadDocument(t.Context(), req)
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Limit != want {
			t.Errorf("%.40q: %v, want position %q", content, err, want)
		}
	}
}

// Ensure every document is either refused with a fault or read, and valid entries round-trip through YAML.
func FuzzReadDocument(f *testing.F) {
	server := newFullServer(f, nil)
	exported, err := server.ExportDirectory(context.Background(),
		&directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat_EXPORT_FORMAT_HSDS, Node: "cuneo"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, "", exported.GetContent())
	f.Add(true, "", []byte(`[{"id":"a","x_pari":{"links":[null]},"phones":[null],"services":[null]}]`))
	f.Add(false, "office", []byte("office_id: a\nname: A\n"+
		"hours: [{weekday: 2, opens: \"09:00\", closes: \"24:00\"}]\n"))
	f.Add(false, "node", []byte("node_id: \"\"\nfallback_node: \"\"\n"))
	f.Add(false, "course", []byte("course_id: c\neditions: [{code: a, from: 2026-02-30}]\n"))
	f.Fuzz(func(t *testing.T, asHSDS bool, kind string, content []byte) {
		req := &directoryv1.ReadDocumentRequest{Format: inYAML, Kind: kind, Content: content}
		if asHSDS {
			req.Format = inHSDS
		}
		resp, err := server.ReadDocument(context.Background(), req)
		if err != nil {
			if !fault.Is(err, fault.InvalidRequest) {
				t.Fatal(err)
			}
			return
		}
		for _, e := range resp.GetEntries() {
			text, err := entry.MarshalYAML(e)
			if err != nil {
				t.Fatal(err)
			}
			back, err := entry.UnmarshalYAML(e.GetKind(), text)
			if len(resp.GetWrong()) == 0 && (err != nil || !entry.Equal(back, e)) {
				t.Fatalf("%s does not round-trip through\n%s%v", entry.RefOf(e), text, err)
			}
		}
	})
}
