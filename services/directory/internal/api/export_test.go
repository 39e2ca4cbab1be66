package api_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure each format is exported with its media type, for all offices or for those of a node.
func TestServer_ExportDirectory(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newDesk("alfa", "cremona"), newDesk("beta", "cuneo"))
	for _, c := range []struct {
		format      directoryv1.ExportFormat
		media, want string
		offices     bool
	}{
		{directoryv1.ExportFormat_EXPORT_FORMAT_HSDS, "application/json", `"total_items"`, true},
		{directoryv1.ExportFormat_EXPORT_FORMAT_SCHEMA_ORG, "application/ld+json", "GovernmentOffice", true},
		{directoryv1.ExportFormat_EXPORT_FORMAT_CPSV_AP_IT, "application/ld+json", "@context", true},
		{directoryv1.ExportFormat_EXPORT_FORMAT_CSV, "text/csv; charset=utf-8", "office_id,", true},
		{directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_TURTLE, "text/turtle; charset=utf-8", "skos:ConceptScheme", false},
		{directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_JSON_LD, "application/ld+json", "ConceptScheme", false},
		{directoryv1.ExportFormat_EXPORT_FORMAT_VOCABULARY_CSV, "text/csv; charset=utf-8", "SEX", false},
		{directoryv1.ExportFormat_EXPORT_FORMAT_CROSSWALK_CSV, "text/csv; charset=utf-8", "SEX", false},
	} {
		t.Run(c.format.String(), func(t *testing.T) {
			t.Parallel()
			for node, wantBeta := range map[string]bool{"": true, "cremona": false} {
				req := &directoryv1.ExportDirectoryRequest{Format: c.format, Node: node, Vocabulary: "ground"}
				got, err := client.ExportDirectory(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				content := string(got.GetContent())
				if got.GetMediaType() != c.media || got.GetRevision() != 1 || !strings.Contains(content, c.want) {
					t.Errorf("got %s, revision %d: %s", got.GetMediaType(), got.GetRevision(), content)
				}
				if c.offices && (!strings.Contains(content, "ALFA") || strings.Contains(content, "BETA") != wantBeta) {
					t.Errorf("of node %q: %s", node, content)
				}
			}
		})
	}
	_, err := client.ExportDirectory(t.Context(), &directoryv1.ExportDirectoryRequest{
		Format: directoryv1.ExportFormat_EXPORT_FORMAT_VOCABULARY_CSV, Vocabulary: "colour",
	})
	assertFault(t, err, fault.NotFound)
}

// Ensure entries other than offices are exported too, of all nodes or of one.
func TestServer_ExportDirectory_OtherEntries(t *testing.T) {
	t.Parallel()
	initiative := func(id, node string) *directoryv1.Initiative {
		return &directoryv1.Initiative{
			InitiativeId: id, Title: strings.ToUpper(id), Node: node, Organisers: []string{"office/ufficio"},
			Sessions: []*directoryv1.Session{{Date: "2026-12-01", Opens: "10:00"}},
		}
	}
	course := func(id, node string) *directoryv1.Course {
		return &directoryv1.Course{CourseId: id, Title: strings.ToUpper(id), Node: node}
	}
	client, _ := newClient[proto.Message](t,
		initiative("alfa", "cremona"), initiative("beta", "cuneo"),
		course("alfa", "cremona"), course("beta", "cuneo"), newDesk("ufficio", "cremona"))
	for _, c := range []struct {
		format      directoryv1.ExportFormat
		media, want string
	}{
		{directoryv1.ExportFormat_EXPORT_FORMAT_EVENTS, "application/ld+json", `"2026-12-01T10:00:00+01:00"`},
		{directoryv1.ExportFormat_EXPORT_FORMAT_COURSES, "application/ld+json", `"Course"`},
		{directoryv1.ExportFormat_EXPORT_FORMAT_ENTRIES_CSV, "text/csv; charset=utf-8", "initiative,alfa,ALFA,cremona"},
	} {
		for node, wantBeta := range map[string]bool{"": true, "cremona": false} {
			req := &directoryv1.ExportDirectoryRequest{Format: c.format, Node: node}
			got, err := client.ExportDirectory(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			content := string(got.GetContent())
			if got.GetMediaType() != c.media || !strings.Contains(content, c.want) ||
				!strings.Contains(content, "ALFA") || strings.Contains(content, "BETA") != wantBeta {
				t.Errorf("%s of node %q: %s, %s", c.format, node, got.GetMediaType(), content)
			}
		}
	}
}

func TestServer_PrintOffice(t *testing.T) {
	t.Parallel()
	hostile := newDesk("a", "cremona")
	hostile.Name = "<script>alert(1)</script>"
	client, _ := newClient(t, hostile)
	for language, want := range map[string]string{"": `lang="it"`, "en": `lang="en"`} {
		got, err := client.PrintOffice(t.Context(), &directoryv1.PrintOfficeRequest{OfficeId: "a", Language: language})
		page := string(got.GetContent())
		if err != nil || got.GetMediaType() != "text/html; charset=utf-8" ||
			!strings.Contains(page, want) || strings.Contains(page, "<script>alert") {
			t.Errorf("%v: %s", err, page)
		}
	}
	pdf, err := client.PrintOffice(t.Context(),
		&directoryv1.PrintOfficeRequest{OfficeId: "a", Format: directoryv1.PrintFormat_PRINT_FORMAT_PDF})
	if err != nil || pdf.GetMediaType() != "application/pdf" || !strings.HasPrefix(string(pdf.GetContent()), "%PDF-") {
		t.Errorf("%v: %s", err, pdf.GetMediaType())
	}
	_, err = client.PrintOffice(t.Context(), &directoryv1.PrintOfficeRequest{OfficeId: "b"})
	assertFault(t, err, fault.NotFound)
}
