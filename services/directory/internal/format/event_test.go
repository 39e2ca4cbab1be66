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

// lookupIn returns a lookup among contents.
func lookupIn(t *testing.T, contents ...proto.Message) format.Lookup {
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

// parseGraph parses a JSON-LD document and returns its nodes by their identifiers.
func parseGraph(t *testing.T, raw []byte) map[string]map[string]any {
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

func TestEncodeEvents(t *testing.T) {
	t.Parallel()
	series := &directoryv1.Initiative{
		InitiativeId: "gruppi", Title: "Gruppi", Types: []string{"DISCUSSION_GROUP"}, Description: "Si parla.",
		Organisers: []string{"office/casa", "body/nascosto"}, Themes: []string{"Lavoro", "Casa"},
		Mode: "IN_PERSON", Place: "room/sala", AgeFrom: 18, AgeTo: 35, Capacity: 12, Fee: "FREE",
		Links: []*directoryv1.Link{{Title: "Pagina", Url: "https://esempio.example/g"}},
		Sessions: []*directoryv1.Session{
			{Date: "2026-10-24", Opens: "14:30", Closes: "17:00", Theme: "Lavoro"},
			{Date: "2026-10-26", Opens: "20:00", Closes: "24:00"},
			{Date: "2026-11-02", Closes: "18:00", Cancelled: true},
		},
	}
	single := &directoryv1.Initiative{
		InitiativeId: "festa", Title: "Festa </script>", Mode: "HYBRID",
		Sessions: []*directoryv1.Session{{Date: "2026-07-01", Opens: "09:00"}},
	}
	undated := &directoryv1.Initiative{InitiativeId: "senza-date", Title: "Senza date"}
	lookup := lookupIn(t,
		&directoryv1.Office{OfficeId: "casa", Name: "Casa dei Diritti", Addresses: []*directoryv1.Address{
			{Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST, Street: "casella 1"},
			{Street: "via De Amicis, 10", Postcode: "20123", Municipality: "015146"},
		}},
		&directoryv1.Room{RoomId: "sala", Name: "Sala", Office: "casa", Capacity: 40})
	raw, err := format.EncodeEvents([]*directoryv1.Initiative{series, single, undated}, lookup, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"<", `""`, "null"} {
		if strings.Contains(string(raw), unwanted) {
			t.Errorf("it contains %s:\n%s", unwanted, raw)
		}
	}
	nodes := parseGraph(t, raw)
	if len(nodes) != 5 {
		t.Fatalf("%d nodes:\n%s", len(nodes), raw)
	}
	seriesNode := nodes["initiative/gruppi"]
	for key, want := range map[string]any{
		"@type": "EventSeries", "startDate": "2026-10-24", "endDate": "2026-11-02",
		"typicalAgeRange": "18-35", "maximumAttendeeCapacity": 12.0, "isAccessibleForFree": true,
		"eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode", "url": "https://esempio.example/g",
		"organizer": []any{
			map[string]any{"@id": base + "office/casa", "@type": "GovernmentOffice", "name": "Casa dei Diritti"},
		},
	} {
		if diff := cmp.Diff(want, seriesNode[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	place, _ := seriesNode["location"].(map[string]any)
	address, _ := place["address"].(map[string]any)
	if place["name"] != "Sala" || place["maximumAttendeeCapacity"] != 40.0 ||
		address["streetAddress"] != "via De Amicis, 10" || address["addressLocality"] != "Milano" {
		t.Errorf("location %v", place)
	}
	if parts, _ := seriesNode["subEvent"].([]any); len(parts) != 3 {
		t.Errorf("sessions %v", seriesNode["subEvent"])
	}
	// Summer time ends on 25 October 2026: the offset changes between the first session and the second.
	const scheduled, cancelled = "https://schema.org/EventScheduled", "https://schema.org/EventCancelled"
	for id, want := range map[string][4]any{
		"initiative/gruppi#session-1": {
			"Gruppi: Lavoro", "2026-10-24T14:30:00+02:00", "2026-10-24T17:00:00+02:00", scheduled,
		},
		"initiative/gruppi#session-2": {"Gruppi", "2026-10-26T20:00:00+01:00", "2026-10-27T00:00:00+01:00", scheduled},
		"initiative/gruppi#session-3": {"Gruppi", "2026-11-02", nil, cancelled},
		"initiative/festa":            {"Festa </script>", "2026-07-01T09:00:00+02:00", nil, scheduled},
	} {
		n := nodes[id]
		diff := cmp.Diff(want, [4]any{n["name"], n["startDate"], n["endDate"], n["eventStatus"]})
		if diff != "" || n["@type"] != "Event" {
			t.Errorf("%s is a %v: %s", id, n["@type"], diff)
		}
		if strings.Contains(id, "#") && n["superEvent"] != base+"initiative/gruppi" {
			t.Errorf("%s is part of %v", id, n["superEvent"])
		}
	}
}

func TestEncodeCourses(t *testing.T) {
	t.Parallel()
	course := &directoryv1.Course{
		CourseId: "spia", Title: "Reati spia", Kinds: []string{"LEGAL"},
		Organisers: []string{"office/casa"}, Participants: []string{"FFOO"},
		Modules: []*directoryv1.Module{
			{Code: "uno", Title: "Uno", Hours: 8, Topics: []string{"tutela"}, Participants: []string{"FFOO"}},
			{Code: "due", Title: "Due"},
		},
		Editions: []*directoryv1.Edition{{
			Code: "prima", From: "2026-03-01", To: "2026-03-31", Trainers: []string{"body/comune"},
			Attendance: []*directoryv1.Attendance{{Participant: "FFOO", Persons: 12}},
		}},
	}
	minimal := &directoryv1.Course{CourseId: "minimo", Title: "Minimo"}
	lookup := lookupIn(t,
		&directoryv1.Office{OfficeId: "casa", Name: "Casa"}, &directoryv1.Body{BodyId: "comune", Name: "Comune"})
	raw, err := format.EncodeCourses([]*directoryv1.Course{course, minimal}, lookup, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	nodes := parseGraph(t, raw)
	n := nodes["course/spia"]
	if n["@type"] != "Course" || n["name"] != "Reati spia" || len(n["provider"].([]any)) != 1 {
		t.Errorf("course %v", n)
	}
	sections := n["syllabusSections"].([]any)
	first := sections[0].(map[string]any)
	if len(sections) != 2 || first["timeRequired"] != "PT8H" || first["@type"] != "Syllabus" {
		t.Errorf("modules %v", sections)
	}
	instance := n["hasCourseInstance"].([]any)[0].(map[string]any)
	want := map[string]any{
		"@type": "CourseInstance", "@id": base + "course/spia#prima", "identifier": "prima", "name": "Reati spia",
		"startDate": "2026-03-01", "endDate": "2026-03-31",
		"contributor": []any{map[string]any{"@id": base + "body/comune", "@type": "Organization", "name": "Comune"}},
	}
	if diff := cmp.Diff(want, instance); diff != "" {
		t.Errorf("edition: %s", diff)
	}
	if n := nodes["course/minimo"]; len(n) != 4 {
		t.Errorf("missing values are encoded: %v", n)
	}
	if strings.Contains(string(raw), "12") {
		t.Error("it reveals the attendance")
	}
}

func TestEncodeEvents_AgeRange(t *testing.T) {
	t.Parallel()
	for ages, want := range map[[2]int32]any{{18, 35}: "18-35", {18, 0}: "18-", {0, 14}: "0-14", {0, 0}: nil} {
		n := &directoryv1.Initiative{
			InitiativeId: "a", AgeFrom: ages[0], AgeTo: ages[1], Sessions: []*directoryv1.Session{{Date: "2026-03-01"}},
		}
		raw, err := format.EncodeEvents([]*directoryv1.Initiative{n}, lookupIn(t), terms(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := parseGraph(t, raw)["initiative/a"]["typicalAgeRange"]; got != want {
			t.Errorf("%v: %v, want %v", ages, got, want)
		}
	}
}

// Ensure an impossible date or time of a session is an error.
func TestEncodeEvents_RefusesInvalidTimes(t *testing.T) {
	t.Parallel()
	for _, session := range []*directoryv1.Session{
		{Date: "2026-02-30"}, {Date: "2026-03-01", Opens: "25:00"},
		{Date: "2026-03-01", Opens: "09:00", Closes: "25:00"},
	} {
		single := &directoryv1.Initiative{InitiativeId: "a", Sessions: []*directoryv1.Session{session}}
		series := &directoryv1.Initiative{InitiativeId: "b", Sessions: []*directoryv1.Session{session, session}}
		for _, n := range []*directoryv1.Initiative{single, series} {
			if _, err := format.EncodeEvents([]*directoryv1.Initiative{n}, lookupIn(t), terms(t)); err == nil {
				t.Errorf("initiative %s with %v was accepted", n.GetInitiativeId(), session)
			}
		}
	}
}

// Ensure all entries of the directory form one table, with formulas escaped.
func TestEncodeEntriesCSV(t *testing.T) {
	t.Parallel()
	all, err := entry.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	hostile, err := entry.New(&directoryv1.Body{
		BodyId: "hostile", Name: "=1+1",
		Provenance: &directoryv1.Provenance{Source: "a;b,\"c\"\nd", ValidFrom: "2020-01-01"},
	})
	if err != nil {
		t.Fatal(err)
	}
	hostile.Revision = 7
	raw, err := format.EncodeEntriesCSV(slices.Values(append(all, hostile)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil || len(rows) != len(all)+2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range map[int][]string{
		0: {"kind", "id", "name", "node", "region", "valid_from", "valid_to", "source", "verified_on", "revision"},

		len(rows) - 1: {"body", "hostile", "'=1+1", "", "", "2020-01-01", "", "a;b,\"c\"\nd", "", "7"},
	} {
		if diff := cmp.Diff(want, rows[i]); diff != "" {
			t.Error(diff)
		}
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

// Ensure a place or an organizer that is not visible is left out.
func TestEncodeEvents_OmitsInvisible(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"", "room/nascosta"} {
		n := &directoryv1.Initiative{
			InitiativeId: "a", Title: "A", Place: place, Organisers: []string{"office/nascosto"},
			Sessions: []*directoryv1.Session{{Date: "2026-03-01"}},
		}
		raw, err := format.EncodeEvents([]*directoryv1.Initiative{n}, lookupIn(t), terms(t))
		if err != nil || strings.Contains(string(raw), "location") || strings.Contains(string(raw), "organizer") {
			t.Errorf("place %q: %v\n%s", place, err, raw)
		}
	}
}
