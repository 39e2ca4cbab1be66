package vocabulary_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/vocabulary"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Ensure every code of a message is checked against the list of its field, at any depth, and reported with its path.
func TestViolations(t *testing.T) {
	t.Parallel()
	set := vocabulary.NewSet(ground())
	office := &directoryv1.Office{
		Name:     "BLUE", // has no list
		Kind:     "DESK",
		Grounds:  []string{"SKIN_COLOUR", "BLUE", "OLD"},
		Services: []*directoryv1.Service{{}, {Type: "LISTENING", AccessModes: []string{"PHONE"}}},
	}
	want := []fault.Field{
		{Path: "office.kind", Reason: fault.UnknownCode, Limit: "office_kind"},
		{Path: "office.services[1].type", Reason: fault.UnknownCode, Limit: "service_type"},
		{Path: "office.services[1].access_modes[0]", Reason: fault.UnknownCode, Limit: "access_mode"},
		{Path: "office.grounds[1]", Reason: fault.UnknownCode, Limit: "ground"},
		{Path: "office.grounds[2]", Reason: fault.ExpiredCode, Limit: "ground"},
	}
	for range 2 { // the second time the lists of the fields are cached
		got := vocabulary.Violations(set, &directoryv1.GetOfficeResponse{Office: office}, now)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// Ensure no code is valid before the lists are loaded, and messages without codes are valid always.
func TestViolations_WithoutLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message proto.Message
		want    int
	}{
		"code":  {&directoryv1.FindOfficesRequest{Ground: "SKIN_COLOUR"}, 1},
		"empty": {&directoryv1.FindOfficesRequest{}, 0},
		"map":   {&errdetails.ErrorInfo{Reason: "X", Metadata: map[string]string{"a": "b"}}, 0},
	} {
		if got := vocabulary.Violations(nil, c.message, now); len(got) != c.want {
			t.Errorf("%s: got %v, want %d", name, got, c.want)
		}
	}
}

// Ensure a code is checked since the date that its field names, and only today without one.
func TestViolations_AsOf(t *testing.T) {
	t.Parallel()
	set := vocabulary.NewSet(
		&vocabularyv1.Vocabulary{Name: "territory", Terms: []*vocabularyv1.Term{
			{Code: "019035", ValidTo: "2020-05-14"}, {Code: "019036"}, {Code: "019037", ValidFrom: "2027-01-01"},
		}},
		&vocabularyv1.Vocabulary{Name: "channel", Terms: []*vocabularyv1.Term{{Code: "FAX", ValidTo: "2026-11-01"}}},
	)
	date := func(year, month, day int32) *recordv1.PartialDate {
		return &recordv1.PartialDate{Year: year, Month: month, Day: day}
	}
	expired := func(path, list string) []fault.Field {
		return []fault.Field{{Path: path, Reason: fault.ExpiredCode, Limit: list}}
	}
	for name, c := range map[string]struct {
		message proto.Message
		want    []fault.Field
	}{
		"place on its last day": {
			&intakev1.ReportContent{IncidentPlace: "019035", IncidentDate: date(2020, 5, 14)}, nil},
		"place on the day after": {
			&intakev1.ReportContent{IncidentPlace: "019035", IncidentDate: date(2020, 5, 15)},
			expired("incident_place", "territory")},
		"place in its last month": {
			&intakev1.ReportContent{IncidentPlace: "019035", IncidentDate: date(2020, 5, 0)}, nil},
		"place in its last year": {
			&intakev1.ReportContent{IncidentPlace: "019035", IncidentDate: date(2020, 0, 0)}, nil},
		"place without a date": {
			&intakev1.ReportContent{IncidentPlace: "019035"}, expired("incident_place", "territory")},
		"place of today": {&intakev1.ReportContent{IncidentPlace: "019036", IncidentDate: date(1999, 0, 0)}, nil},
		"place of the future": {
			&intakev1.ReportContent{IncidentPlace: "019037", IncidentDate: date(2027, 5, 0)},
			expired("incident_place", "territory")},
		"code of a report that is taken in charge later": {
			&casemanagementv1.OpenCaseRequest{
				Channel: "FAX", ReceivedMonth: &recordv1.Month{Year: 2026, Month: 11}}, nil},
		"code of a report of a later month": {
			&casemanagementv1.OpenCaseRequest{
				Channel: "FAX", ReceivedMonth: &recordv1.Month{Year: 2026, Month: 12}}, expired("channel", "channel")},
	} {
		if diff := cmp.Diff(c.want, vocabulary.Violations(set, c.message, now)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Ensure the advice on a code that is not valid is true for one that has ended as for one that has not begun: it sends
// to no other code than those that are valid on the day.
func TestViolations_AdviceOnTheDay(t *testing.T) {
	t.Parallel()
	set := vocabulary.NewSet(ground())
	for _, code := range []string{"OLD", "NEW"} {
		fields := vocabulary.Violations(set, &directoryv1.FindOfficesRequest{Ground: code}, now)
		if len(fields) != 1 {
			t.Fatalf("%s: %v", code, fields)
		}
		english, italian := fields[0].Texts()
		if !strings.Contains(english, "use a code that is valid today") ||
			!strings.Contains(italian, "usa un codice valido oggi") {
			t.Errorf("%s: %q, %q", code, english, italian)
		}
	}
}
