package api_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure each format is given with its media type, for all offices or for those of a node.
func TestExportDirectory(t *testing.T) {
	t.Parallel()
	client, _ := open(t, desk("alfa", "cremona"), desk("beta", "cuneo"))
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
			for node, beta := range map[string]bool{"": true, "cremona": false} {
				got, err := client.ExportDirectory(t.Context(), &directoryv1.ExportDirectoryRequest{Format: c.format, Node: node, Vocabulary: "ground"})
				if err != nil {
					t.Fatal(err)
				}
				if got.GetMediaType() != c.media || got.GetRevision() != 1 || !bytes.Contains(got.GetContent(), []byte(c.want)) {
					t.Errorf("got %s, revision %d: %s", got.GetMediaType(), got.GetRevision(), got.GetContent())
				}
				if c.offices && (!bytes.Contains(got.GetContent(), []byte("ALFA")) || bytes.Contains(got.GetContent(), []byte("BETA")) != beta) {
					t.Errorf("of node %q: %s", node, got.GetContent())
				}
			}
		})
	}
	_, err := client.ExportDirectory(t.Context(), &directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat_EXPORT_FORMAT_VOCABULARY_CSV, Vocabulary: "colour"})
	refused(t, err, fault.NotFound)
}

// Ensure other entries than offices are given too, of all nodes or of one.
func TestExportDirectory_OtherEntries(t *testing.T) {
	t.Parallel()
	initiative := func(id, node string) *directoryv1.Initiative {
		return &directoryv1.Initiative{InitiativeId: id, Title: strings.ToUpper(id), Node: node, Sessions: []*directoryv1.Session{{Date: "2026-12-01", Opens: "10:00"}}, Organisers: []string{"office/ufficio"}}
	}
	course := func(id, node string) *directoryv1.Course {
		return &directoryv1.Course{CourseId: id, Title: strings.ToUpper(id), Node: node}
	}
	client, _ := open[proto.Message](t, initiative("alfa", "cremona"), initiative("beta", "cuneo"), course("alfa", "cremona"), course("beta", "cuneo"), desk("ufficio", "cremona"))
	for _, c := range []struct {
		format      directoryv1.ExportFormat
		media, want string
	}{
		{directoryv1.ExportFormat_EXPORT_FORMAT_EVENTS, "application/ld+json", `"2026-12-01T10:00:00+01:00"`},
		{directoryv1.ExportFormat_EXPORT_FORMAT_COURSES, "application/ld+json", `"Course"`},
		{directoryv1.ExportFormat_EXPORT_FORMAT_ENTRIES_CSV, "text/csv; charset=utf-8", "initiative,alfa,ALFA,cremona"},
	} {
		for node, beta := range map[string]bool{"": true, "cremona": false} {
			got, err := client.ExportDirectory(t.Context(), &directoryv1.ExportDirectoryRequest{Format: c.format, Node: node})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetMediaType() != c.media || !bytes.Contains(got.GetContent(), []byte(c.want)) || !bytes.Contains(got.GetContent(), []byte("ALFA")) ||
				bytes.Contains(got.GetContent(), []byte("BETA")) != beta {
				t.Errorf("%s of node %q: %s, %s", c.format, node, got.GetMediaType(), got.GetContent())
			}
		}
	}
}

func TestPrintOffice(t *testing.T) {
	t.Parallel()
	sly := desk("a", "cremona")
	sly.Name = "<script>alert(1)</script>"
	client, _ := open(t, sly)
	for language, want := range map[string]string{"": `lang="it"`, "en": `lang="en"`} {
		got, err := client.PrintOffice(t.Context(), &directoryv1.PrintOfficeRequest{OfficeId: "a", Language: language})
		if err != nil || got.GetMediaType() != "text/html; charset=utf-8" || !bytes.Contains(got.GetContent(), []byte(want)) || bytes.Contains(got.GetContent(), []byte("<script>alert")) {
			t.Errorf("%v: %s", err, got.GetContent())
		}
	}
	_, err := client.PrintOffice(t.Context(), &directoryv1.PrintOfficeRequest{OfficeId: "b"})
	refused(t, err, fault.NotFound)
}
