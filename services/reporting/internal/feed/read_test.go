package feed

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/reporting/internal/fact"
	"github.com/retepari/pari/services/reporting/internal/store"
)

// A sample is an event as it was once published: <name>.pb is its data, <name>.json says how it came and what it means.
// Samples are added (go test -run Samples -add-samples), never changed and never removed: what a node has stored it may
// send again years later.
type sample struct {
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
	"case_closed_sealed": {"it.pari.case.closed.v1", &eventsv1.CaseClosed{CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 6}}},
}

func meaning(c store.Change) (string, any) {
	if c.Report != nil {
		return fmt.Sprintf("%T", *c.Report), *c.Report
	}
	return fmt.Sprintf("%T", c.Case), c.Case
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
			c, err := Read(want.Source, want.Type, want.Aggregate, data)
			if err != nil {
				t.Fatal(err)
			}
			got := want
			got.Meaning, got.Fact = meaning(c)
			if diff := cmp.Diff(string(raw), encode(t, got)); diff != "" {
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
		out := sample{Source: kinds[s.kind].source, Type: s.kind, Aggregate: pseudonym}
		c, err := Read(out.Source, out.Type, out.Aggregate, data)
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
	for name, c := range map[string]struct {
		source, kind, aggregate string
		data                    []byte
		want                    error
	}{
		"a type that is not known":   {"casemanagement", "it.pari.case.vanished.v1", pseudonym, opened, store.ErrUnreadable},
		"bytes that are no message":  {"casemanagement", "it.pari.case.opened.v1", pseudonym, []byte{0xff}, store.ErrUnreadable},
		"an event of another source": {"intake", "it.pari.case.opened.v1", pseudonym, opened, store.ErrForeign},
		"another case":               {"casemanagement", "it.pari.case.opened.v1", "other", opened, store.ErrForeign},
		"no case":                    {"casemanagement", "it.pari.case.opened.v1", pseudonym, nil, store.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Read(c.source, c.kind, c.aggregate, c.data); !errors.Is(err, c.want) {
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
	c, err := Read("casemanagement", "it.pari.case.opened.v1", pseudonym, data)
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
		c, err := Read(kinds[kind].source, kind, pseudonym, data)
		if err == nil && (c.Report == nil) == (c.Case == nil) {
			t.Errorf("neither or both: %+v", c)
		}
	})
}
