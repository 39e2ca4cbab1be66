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
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// A sample is an event as it was once published: <name>.pb is its data, <name>.json says how it came and what it means.
// Samples are added (go test -run Samples -add-samples), never changed and never removed: what a node has stored it may
// send again years later.
type sample struct {
	Node      string `json:"node,omitempty"` // [cremona]
	Source    string `json:"source"`
	Type      string `json:"type"`
	Aggregate string `json:"aggregate"`
	Meaning   string `json:"meaning"` // type of the fact
	Fact      any    `json:"fact"`
}

var addSamples = flag.Bool("add-samples", false, "write the samples that are not there yet")

const pseudonym = "6e0f4b6c-3f0e-4c53-9a0a-6a4b3b2f9d11"

// today are the messages as nodes write them now, every field set.
var today = map[string]struct {
	kind    string
	message proto.Message
}{
	"report_counted": {"it.pari.report.counted.v1", &eventsv1.ReportCounted{
		Month: &recordv1.Month{Year: 2026, Month: 3}, Channel: "DESK", ReporterRole: "WITNESS", Anonymous: true,
	}},
	"case_opened": {"it.pari.case.opened.v1", &eventsv1.CaseOpened{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 4}, ReceivedMonth: &recordv1.Month{Year: 2026, Month: 3},
		Channel: "PHONE", ReporterRole: "VICTIM",
	}},
	"case_classified": {"it.pari.case.classified.v1", &eventsv1.CaseClassified{
		CasePseudonym: pseudonym, Verdict: "PERTINENT_LEGAL", Grounds: []string{"SKIN_COLOUR", "SEX"}, MainGround: "SKIN_COLOUR", Type: "DIRECT",
		Flags: []string{"ONLINE"}, Field: "HOUSING_RENT", AuthorKinds: []string{"LANDLORD"}, IncidentMonth: &recordv1.Month{Year: 2026, Month: 2},
		EventTerritory: "019", ResidenceTerritory: "ND",
	}},
	"case_classified_sealed": {"it.pari.case.classified.v1", &eventsv1.CaseClassified{CasePseudonym: pseudonym, Sealed: true}},
	"action_recorded": {"it.pari.case.action_recorded.v1", &eventsv1.ActionRecorded{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 5}, Code: "MEDIATION", Result: "DONE",
	}},
	"case_closed": {"it.pari.case.closed.v1", &eventsv1.CaseClosed{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 6}, Outcome: "CONCILIATED", SecondaryOutcomes: []string{"INFORMED"},
	}},
	"activity_counted": {"it.pari.activity.counted.v1", &eventsv1.ActivityCounted{Entry: "course/reati-spia", Rows: []*eventsv1.ActivityRow{
		{Measure: "PERSONS_TRAINED", Year: 2026, Node: "cremona", Value: 24}, {Measure: "TRAINING_HOURS", Year: 2026, Value: 12},
	}}},
	"activity_counted_nothing": {"it.pari.activity.counted.v1", &eventsv1.ActivityCounted{Entry: "course/reati-spia"}},
	"indicators_counted": {"it.pari.programme.counted.v1", &eventsv1.IndicatorsCounted{
		Programme: "fami-piemonte-2021-2027", Rows: []*eventsv1.IndicatorRow{
			{Code: "IND_OPERATORS_TRAINED", Target: 120}, {Code: "IND_OPERATORS_TRAINED", Year: 2026, Value: 35},
		},
	}},
	"case_closed_sealed": {"it.pari.case.closed.v1", &eventsv1.CaseClosed{CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 6}}},
}

// aggregates are the subjects of samples that are no pseudonyms.
var aggregates = map[string]string{
	"activity_counted": "course.reati-spia", "activity_counted_nothing": "course.reati-spia", "indicators_counted": "programme.fami-piemonte-2021-2027",
}

func meaning(c store.Change) (string, any) {
	switch {
	case c.Report != nil:
		return fmt.Sprintf("%T", *c.Report), *c.Report
	case c.Activity != nil:
		return fmt.Sprintf("%T", *c.Activity), *c.Activity
	case c.Indicators != nil:
		return fmt.Sprintf("%T", *c.Indicators), *c.Indicators
	}
	return fmt.Sprintf("%T", c.Case), c.Case
}

// line that sends events of a source at a node.
func (s sample) line() bus.Partition {
	return bus.Partition{Region: "lombardia", Node: cmp.Or(s.Node, "cremona"), Source: s.Source}
}

func TestRead_Samples(t *testing.T) {
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
			c, err := Read(want.line(), want.Type, want.Aggregate, data)
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
	for kind := range kinds {
		if !seen[kind] {
			t.Errorf("no sample of %s", kind)
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
	for name, s := range today {
		path := filepath.Join("testdata", name)
		if _, err := os.Stat(path + ".pb"); err == nil {
			continue
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.message)
		if err != nil {
			t.Fatal(err)
		}
		out := sample{Source: kinds[s.kind].source, Type: s.kind, Aggregate: cmp.Or(aggregates[name], pseudonym)}
		if kinds[s.kind].centre {
			out.Node = "centre"
		}
		c, err := Read(out.line(), out.Type, out.Aggregate, data)
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

func TestRead_Refuses(t *testing.T) {
	t.Parallel()
	opened, err := proto.Marshal(today["case_opened"].message)
	if err != nil {
		t.Fatal(err)
	}
	activity, err := proto.Marshal(today["activity_counted"].message)
	if err != nil {
		t.Fatal(err)
	}
	programme, err := proto.Marshal(today["indicators_counted"].message)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source, kind, aggregate string
		data                    []byte
		want                    error
	}{
		"a type that is not known":       {"casemanagement", "it.pari.case.vanished.v1", pseudonym, opened, store.ErrUnreadable},
		"bytes that are no message":      {"casemanagement", "it.pari.case.opened.v1", pseudonym, []byte{0xff}, store.ErrUnreadable},
		"an event of another source":     {"intake", "it.pari.case.opened.v1", pseudonym, opened, store.ErrForeign},
		"another case":                   {"casemanagement", "it.pari.case.opened.v1", "other", opened, store.ErrForeign},
		"no case":                        {"casemanagement", "it.pari.case.opened.v1", pseudonym, nil, store.ErrForeign},
		"what a node's directory counts": {"directory", "it.pari.activity.counted.v1", "course.reati-spia", activity, store.ErrForeign},
		"what another service counts":    {"centre/intake", "it.pari.activity.counted.v1", "course.reati-spia", activity, store.ErrForeign},
		"another entry":                  {"centre/directory", "it.pari.activity.counted.v1", "course.altro", activity, store.ErrForeign},
		"another programme":              {"centre/directory", "it.pari.programme.counted.v1", "course.reati-spia", programme, store.ErrForeign},
		"a case of the centre":           {"centre/casemanagement", "it.pari.case.opened.v1", pseudonym, opened, store.ErrForeign},
		"a case of the directory":        {"centre/directory", "it.pari.case.opened.v1", pseudonym, opened, store.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sample{Source: c.source}
			if node, source, ok := strings.Cut(c.source, "/"); ok {
				s.Node, s.Source = node, source
			}
			if _, err := Read(s.line(), c.kind, c.aggregate, c.data); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Ensure that a node may be newer than the centre.
func TestRead_PassesOverNewFields(t *testing.T) {
	t.Parallel()
	data, err := proto.Marshal(today["case_opened"].message)
	if err != nil {
		t.Fatal(err)
	}
	data = protowire.AppendTag(data, 900, protowire.BytesType)
	data = protowire.AppendString(data, "from the future")
	c, err := Read(cases, "it.pari.case.opened.v1", pseudonym, data)
	if opened, ok := c.Case.(fact.CaseOpened); err != nil || !ok || opened.Channel != "PHONE" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range today {
		data, err := proto.Marshal(s.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.kind, data)
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		s := sample{Source: kinds[kind].source}
		if kinds[kind].centre {
			s.Node = "centre"
		}
		c, err := Read(s.line(), kind, pseudonym, data)
		said := 0
		for _, is := range []bool{c.Report != nil, c.Case != nil, c.Activity != nil, c.Indicators != nil} {
			if is {
				said++
			}
		}
		if err == nil && said != 1 {
			t.Errorf("not one thing: %+v", c)
		}
	})
}
