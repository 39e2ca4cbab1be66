package format_test

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/format"
)

// lookup finds among contents.
func lookup(t *testing.T, contents ...proto.Message) format.Lookup {
	t.Helper()
	var all []*directoryv1.Entry
	for _, c := range contents {
		e, err := entry.New(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return func(ref entry.Ref) *directoryv1.Entry { e, _ := entry.NewIndex(all).Get(ref); return e }
}

// graph parses a document of JSON-LD and returns its nodes by their names.
func graph(t *testing.T, raw []byte) map[string]map[string]any {
	t.Helper()
	var document struct {
		Context map[string]any   `json:"@context"`
		Graph   []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if document.Context["@vocab"] != "https://schema.org/" {
		t.Errorf("context %v", document.Context)
	}
	byID := map[string]map[string]any{}
	for _, n := range document.Graph {
		byID[strings.TrimPrefix(n["@id"].(string), base)] = n
	}
	return byID
}

func TestEvents(t *testing.T) {
	t.Parallel()
	series := &directoryv1.Initiative{
		InitiativeId: "gruppi", Title: "Gruppi", Types: []string{"DISCUSSION_GROUP"}, Organisers: []string{"office/casa", "body/nascosto"}, Description: "Si parla.",
		Themes: []string{"Lavoro", "Casa"}, Mode: "IN_PERSON", Place: "room/sala", AgeFrom: 18, AgeTo: 35, Capacity: 12, Fee: "FREE",
		Links: []*directoryv1.Link{{Title: "Pagina", Url: "https://esempio.example/g"}},
		Sessions: []*directoryv1.Session{
			{Date: "2026-10-24", Opens: "14:30", Closes: "17:00", Theme: "Lavoro"}, {Date: "2026-10-26", Opens: "20:00", Closes: "24:00"},
			{Date: "2026-11-02", Cancelled: true},
		},
	}
	once := &directoryv1.Initiative{InitiativeId: "festa", Title: "Festa </script>", Mode: "HYBRID", Sessions: []*directoryv1.Session{{Date: "2026-07-01", Opens: "09:00"}}}
	undated := &directoryv1.Initiative{InitiativeId: "senza-date", Title: "Senza date"}
	named := lookup(t,
		&directoryv1.Office{OfficeId: "casa", Name: "Casa dei Diritti", Addresses: []*directoryv1.Address{
			{Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST, Street: "casella 1"}, {Street: "via De Amicis, 10", Postcode: "20123", Municipality: "015146"}}},
		&directoryv1.Room{RoomId: "sala", Name: "Sala", Office: "casa", Capacity: 40})
	raw, err := format.EncodeEvents([]*directoryv1.Initiative{series, once, undated}, named, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "<") || strings.Contains(string(raw), `""`) || strings.Contains(string(raw), "null") {
		t.Errorf("what should not stand there:\n%s", raw)
	}
	nodes := graph(t, raw)
	if len(nodes) != 5 {
		t.Fatalf("%d nodes:\n%s", len(nodes), raw)
	}
	whole := nodes["initiative/gruppi"]
	for key, want := range map[string]any{
		"@type": "EventSeries", "startDate": "2026-10-24", "endDate": "2026-11-02", "typicalAgeRange": "18-35", "maximumAttendeeCapacity": 12.0,
		"isAccessibleForFree": true, "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode", "url": "https://esempio.example/g",
		"organizer": []any{map[string]any{"@id": base + "office/casa", "@type": "GovernmentOffice", "name": "Casa dei Diritti"}},
	} {
		if diff := cmp.Diff(want, whole[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	place, _ := whole["location"].(map[string]any)
	address, _ := place["address"].(map[string]any)
	if place["name"] != "Sala" || place["maximumAttendeeCapacity"] != 40.0 || address["streetAddress"] != "via De Amicis, 10" || address["addressLocality"] != "Milano" {
		t.Errorf("location %v", place)
	}
	if parts, _ := whole["subEvent"].([]any); len(parts) != 3 {
		t.Errorf("sessions %v", whole["subEvent"])
	}
	// Clocks go back on 25 October 2026: the offset changes between the first session and the second.
	for id, want := range map[string][4]any{
		"initiative/gruppi#session-1": {"Gruppi: Lavoro", "2026-10-24T14:30:00+02:00", "2026-10-24T17:00:00+02:00", "https://schema.org/EventScheduled"},
		"initiative/gruppi#session-2": {"Gruppi", "2026-10-26T20:00:00+01:00", "2026-10-27T00:00:00+01:00", "https://schema.org/EventScheduled"},
		"initiative/gruppi#session-3": {"Gruppi", "2026-11-02", nil, "https://schema.org/EventCancelled"},
		"initiative/festa":            {"Festa </script>", "2026-07-01T09:00:00+02:00", nil, "https://schema.org/EventScheduled"},
	} {
		n := nodes[id]
		if diff := cmp.Diff(want, [4]any{n["name"], n["startDate"], n["endDate"], n["eventStatus"]}); diff != "" || n["@type"] != "Event" {
			t.Errorf("%s is a %v: %s", id, n["@type"], diff)
		}
		if strings.Contains(id, "#") && n["superEvent"] != base+"initiative/gruppi" {
			t.Errorf("%s is part of %v", id, n["superEvent"])
		}
	}
}

func TestCourses(t *testing.T) {
	t.Parallel()
	course := &directoryv1.Course{
		CourseId: "spia", Title: "Reati spia", Kinds: []string{"LEGAL"}, Organisers: []string{"office/casa"}, Participants: []string{"FFOO"},
		Modules: []*directoryv1.Module{{Code: "uno", Title: "Uno", Hours: 8, Topics: []string{"tutela"}, Participants: []string{"FFOO"}}, {Code: "due", Title: "Due"}},
		Editions: []*directoryv1.Edition{{Code: "prima", From: "2026-03-01", To: "2026-03-31", Trainers: []string{"body/comune"},
			Attendance: []*directoryv1.Attendance{{Participant: "FFOO", Persons: 12}}}},
	}
	named := lookup(t, &directoryv1.Office{OfficeId: "casa", Name: "Casa"}, &directoryv1.Body{BodyId: "comune", Name: "Comune"})
	raw, err := format.EncodeCourses([]*directoryv1.Course{course, {CourseId: "nudo", Title: "Nudo"}}, named, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	nodes := graph(t, raw)
	n := nodes["course/spia"]
	if n["@type"] != "Course" || n["name"] != "Reati spia" || len(n["provider"].([]any)) != 1 {
		t.Errorf("course %v", n)
	}
	sections := n["syllabusSections"].([]any)
	if first := sections[0].(map[string]any); len(sections) != 2 || first["timeRequired"] != "PT8H" || first["@type"] != "Syllabus" {
		t.Errorf("modules %v", sections)
	}
	instance := n["hasCourseInstance"].([]any)[0].(map[string]any)
	if instance["@type"] != "CourseInstance" || instance["startDate"] != "2026-03-01" || instance["endDate"] != "2026-03-31" || instance["@id"] != base+"course/spia#prima" ||
		instance["contributor"].([]any)[0].(map[string]any)["name"] != "Comune" {
		t.Errorf("edition %v", instance)
	}
	if bare := nodes["course/nudo"]; len(bare) != 4 {
		t.Errorf("what was not given is there: %v", bare)
	}
	if strings.Contains(string(raw), "12") {
		t.Error("it tells how many attended")
	}
}

// Ensure all entries of the directory make one table, whatever a spreadsheet does with it.
func TestEntriesCSV(t *testing.T) {
	t.Parallel()
	all, err := entry.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	sly, err := entry.New(&directoryv1.Body{BodyId: "sly", Name: "=1+1", Provenance: &directoryv1.Provenance{Source: "a;b,\"c\"\nd", ValidFrom: "2020-01-01"}})
	if err != nil {
		t.Fatal(err)
	}
	sly.Revision = 7
	raw, err := format.EncodeEntriesCSV(slices.Values(append(all, sly)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil || len(rows) != len(all)+2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if diff := cmp.Diff([]string{"kind", "id", "name", "node", "region", "valid_from", "valid_to", "source", "verified_on", "revision"}, rows[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"body", "sly", "'=1+1", "", "", "2020-01-01", "", "a;b,\"c\"\nd", "", "7"}, rows[len(rows)-1]); diff != "" {
		t.Error(diff)
	}
	for _, row := range rows[1:] {
		if row[2] == "" || row[7] == "" {
			t.Errorf("%s/%s has no name or source", row[0], row[1])
		}
		if _, err := time.Parse(time.DateOnly, row[8]); row[8] != "" && err != nil {
			t.Error(err)
		}
		if row[1] == "cremona-sportello" && (row[3] != "cremona" || row[4] != "lombardia") {
			t.Errorf("the desk of Cremona is %v", row)
		}
	}
}
