package feed

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// sample describes an event that was published once: <name>.pb is its data, <name>.json its envelope and its decoded
// form. Samples are added (go test -run Samples -add-samples), never removed, and their data is never changed, because
// a node may send an event again years later. The decoded form follows the names of package fact.
type sample struct {
	Node      string `json:"node,omitempty"` // [cremona]
	Source    string `json:"source"`
	Type      string `json:"type"`
	Aggregate string `json:"aggregate"`
	Meaning   string `json:"meaning"` // type of the fact
	Fact      any    `json:"fact"`
}

var addSamples = flag.Bool("add-samples", false, "write missing samples")

const pseudonym = "6e0f4b6c-3f0e-4c53-9a0a-6a4b3b2f9d11"

// month2026 returns a month of 2026.
func month2026(month int32) *recordv1.Month { return &recordv1.Month{Year: 2026, Month: month} }

// current holds the messages as nodes encode them now, with every field set.
var current = map[string]struct {
	eventType string
	message   proto.Message
}{
	"report_counted": {"it.pari.report.counted.v1", &eventsv1.ReportCounted{
		Month: month2026(3), Channel: "DESK", ReporterRole: "WITNESS", Anonymous: true,
	}},
	"report_corrected": {"it.pari.report.corrected.v1", &eventsv1.ReportCorrected{
		Month: month2026(3), Channel: "PHONE", ReporterRole: "VICTIM", Anonymous: true,
	}},
	"report_withdrawn": {"it.pari.report.withdrawn.v1", &eventsv1.ReportWithdrawn{}},
	"case_withdrawn":   {"it.pari.case.withdrawn.v1", &eventsv1.CaseWithdrawn{CasePseudonym: pseudonym}},
	"case_opened": {"it.pari.case.opened.v1", &eventsv1.CaseOpened{
		CasePseudonym: pseudonym, Month: month2026(4), ReceivedMonth: month2026(3), Channel: "PHONE",
		ReporterRole: "VICTIM",
	}},
	"case_classified": {"it.pari.case.classified.v1", &eventsv1.CaseClassified{
		CasePseudonym: pseudonym, Verdict: "PERTINENT_LEGAL", Grounds: []string{"SKIN_COLOUR", "SEX"},
		MainGround: "SKIN_COLOUR", Type: "DIRECT", Flags: []string{"ONLINE"}, Field: "HOUSING_RENT",
		AuthorKinds: []string{"LANDLORD"}, IncidentMonth: month2026(2), EventTerritory: "019", ResidenceTerritory: "ND",
	}},
	"case_classified_sealed": {"it.pari.case.classified.v1", &eventsv1.CaseClassified{
		CasePseudonym: pseudonym, Sealed: true,
	}},
	"action_recorded": {"it.pari.case.action_recorded.v1", &eventsv1.ActionRecorded{
		CasePseudonym: pseudonym, Month: month2026(5), Code: "MEDIATION", Result: "DONE",
	}},
	"case_closed": {"it.pari.case.closed.v1", &eventsv1.CaseClosed{
		CasePseudonym: pseudonym, Month: month2026(6), Outcome: "CONCILIATED", SecondaryOutcomes: []string{"INFORMED"},
	}},
	"case_closed_sealed": {"it.pari.case.closed.v1", &eventsv1.CaseClosed{
		CasePseudonym: pseudonym, Month: month2026(6),
	}},
	"activity_counted": {"it.pari.activity.counted.v1", &eventsv1.ActivityCounted{
		Entry: "course/reati-spia", Rows: []*eventsv1.ActivityRow{
			{Measure: "PERSONS_TRAINED", Year: 2026, Node: "cremona", Value: 24},
			{Measure: "TRAINING_HOURS", Year: 2026, Value: 12},
		},
	}},
	"activity_counted_nothing": {"it.pari.activity.counted.v1", &eventsv1.ActivityCounted{Entry: "course/reati-spia"}},
	"indicators_counted": {"it.pari.programme.counted.v1", &eventsv1.IndicatorsCounted{
		Programme: "fami-piemonte-2021-2027", Rows: []*eventsv1.IndicatorRow{
			{Code: "IND_OPERATORS_TRAINED", Target: 120}, {Code: "IND_OPERATORS_TRAINED", Year: 2026, Value: 35},
		},
	}},
}

// aggregates holds the subjects of the samples whose subject is not a pseudonym.
var aggregates = map[string]string{
	"activity_counted":         "course.reati-spia",
	"activity_counted_nothing": "course.reati-spia",
	"indicators_counted":       "programme.fami-piemonte-2021-2027",
}

func meaning(c store.Change) (string, any) {
	switch {
	case c.Report != nil:
		return fmt.Sprintf("%T", c.Report), c.Report
	case c.Activity != nil:
		return fmt.Sprintf("%T", *c.Activity), *c.Activity
	case c.Indicators != nil:
		return fmt.Sprintf("%T", *c.Indicators), *c.Indicators
	}
	return fmt.Sprintf("%T", c.Case), c.Case
}

// partition returns the partition that carries the sample.
func (s sample) partition() bus.Partition {
	return bus.Partition{
		Tenant: tenant.ID{Region: "lombardia", Node: cmp.Or(s.Node, "cremona")}, Source: s.Source,
	}
}

func TestDecode_Samples(t *testing.T) {
	t.Parallel()
	if *addSamples {
		writeSamples(t)
	}
	names, err := filepath.Glob("testdata/*.pb")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(strings.TrimSuffix(name, ".pb") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want sample
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			seen[want.Type] = true
			c, err := Decode(want.partition(), want.Type, want.Aggregate, data)
			if err != nil {
				t.Fatal(err)
			}
			got := want
			got.Meaning, got.Fact = meaning(c)
			if diff := gocmp.Diff(string(raw), encode(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for eventType := range eventTypes {
		if !seen[eventType] {
			t.Errorf("no sample of %s", eventType)
		}
	}
}

func encode(t *testing.T, s sample) string {
	t.Helper()
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw) + "\n"
}

func writeSamples(t *testing.T) {
	t.Helper()
	for name, s := range current {
		path := filepath.Join("testdata", name)
		if _, err := os.Stat(path + ".pb"); err == nil {
			continue
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.message)
		if err != nil {
			t.Fatal(err)
		}
		from := eventTypes[s.eventType]
		out := sample{Source: from.source, Type: s.eventType, Aggregate: cmp.Or(aggregates[name], pseudonym)}
		if from.centre {
			out.Node = "centre"
		}
		c, err := Decode(out.partition(), out.Type, out.Aggregate, data)
		if err != nil {
			t.Fatal(err)
		}
		out.Meaning, out.Fact = meaning(c)
		for end, content := range map[string][]byte{".pb": data, ".json": []byte(encode(t, out))} {
			if err := os.WriteFile(path+end, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDecode_Rejects(t *testing.T) {
	t.Parallel()
	encoded := func(name string) []byte {
		data, err := proto.Marshal(current[name].message)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	opened, activity, programme := encoded("case_opened"), encoded("activity_counted"), encoded("indicators_counted")
	const (
		directory     = "centre/directory"
		vanishedType  = "it.pari.case.vanished.v1"
		openedType    = "it.pari.case.opened.v1"
		activityType  = "it.pari.activity.counted.v1"
		programmeType = "it.pari.programme.counted.v1"
		course        = "course.reati-spia"
	)
	for name, c := range map[string]struct {
		source, eventType, aggregate string
		data                         []byte
		want                         error
	}{
		"unknown type":                   {"casemanagement", vanishedType, pseudonym, opened, store.ErrUnreadable},
		"malformed data":                 {"casemanagement", openedType, pseudonym, []byte{0xff}, store.ErrUnreadable},
		"another source":                 {"intake", openedType, pseudonym, opened, store.ErrMismatch},
		"another case":                   {"casemanagement", openedType, "other", opened, store.ErrMismatch},
		"no case":                        {"casemanagement", openedType, pseudonym, nil, store.ErrMismatch},
		"activity of a node's directory": {"directory", activityType, course, activity, store.ErrMismatch},
		"activity of another service":    {"centre/intake", activityType, course, activity, store.ErrMismatch},
		"another entry":                  {directory, activityType, "course.altro", activity, store.ErrMismatch},
		"another programme":              {directory, programmeType, course, programme, store.ErrMismatch},
		"a case of the centre":           {"centre/casemanagement", openedType, pseudonym, opened, store.ErrMismatch},
		"a case of the directory":        {directory, openedType, pseudonym, opened, store.ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sample{Source: c.source}
			if node, source, ok := strings.Cut(c.source, "/"); ok {
				s.Node, s.Source = node, source
			}
			if _, err := Decode(s.partition(), c.eventType, c.aggregate, c.data); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Ensure that unknown fields are ignored: a node may be newer than the centre.
func TestDecode_IgnoresUnknownFields(t *testing.T) {
	t.Parallel()
	data, err := proto.Marshal(current["case_opened"].message)
	if err != nil {
		t.Fatal(err)
	}
	data = protowire.AppendTag(data, 900, protowire.BytesType)
	data = protowire.AppendString(data, "from the future")
	c, err := Decode(cases, "it.pari.case.opened.v1", pseudonym, data)
	if opened, ok := c.Case.(fact.CaseOpened); err != nil || !ok || opened.Channel != "PHONE" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range current {
		data, err := proto.Marshal(s.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.eventType, data)
	}
	f.Fuzz(func(t *testing.T, eventType string, data []byte) {
		s := sample{Source: eventTypes[eventType].source}
		if eventTypes[eventType].centre {
			s.Node = "centre"
		}
		c, err := Decode(s.partition(), eventType, pseudonym, data)
		set := 0
		for _, isSet := range []bool{c.Report != nil, c.Case != nil, c.Activity != nil, c.Indicators != nil} {
			if isSet {
				set++
			}
		}
		if err == nil && set != 1 {
			t.Errorf("%d fields are set: %+v", set, c)
		}
	})
}
