package feed_test

import (
	"embed"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/outbox"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
)

// samples are events as they were published first. Events like them lie in streams and archives: they are kept for ever, and
// never written again.
//
//go:embed testdata/*.bin
var samples embed.FS

const pseudonym = "7c1d8f0e-52a4-4b0e-9a0c-1f3b6c2d4e5f"

var (
	at     = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)
	worker = casefile.Actor{Person: "ugo", Node: "cremona", System: "console"}
)

// places is a list of territories: municipality 019036 is of province 019, which is of region 03; the list holds no regions.
var places = map[string]string{"019036": "019", "019": "03", "ONLINE": "", "ND": ""}

var writer = feed.Writer{
	Group: func(list, code string) string {
		if list != "territory" {
			return ""
		}
		return places[code]
	},
	Known: func(list, code string) bool {
		_, ok := places[code]
		return ok && list == "territory"
	},
}

func finding(sensitivity string) casefile.Assessment {
	return casefile.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: "SEX", Type: "DIRECT", Flags: []string{"MULTIPLE"}, Field: "WORK",
		AuthorKinds: []string{"COMPANY"}, IncidentMonth: &casefile.Month{Year: 2026, Month: 10}, EventPlace: "019036", Residence: "019", Sensitivity: sensitivity,
	}
}

// worked is a case from its opening to its end.
func worked(t *testing.T, a casefile.Assessment) *casefile.Case {
	t.Helper()
	c := casefile.Open(casefile.Opening{
		ID: "9d0b8f53-0f2b-4f0c-8d7e-0c5b7a1e2d3c", Number: "CR-C-2026-000042", Node: "cremona", Pseudonym: pseudonym,
		ReportID: "0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11", Received: casefile.Month{Year: 2026, Month: 9}, Channel: "PHONE", ReporterRole: "VICTIM",
	}, worker, at)
	action := casefile.Action{ID: "a", Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 90, SealedNote: []byte("sealed")}
	closing := casefile.Closing{Outcome: "REMOVED", Secondary: []string{"INFORMED"}, PersonInformed: true, SealedNote: []byte("sealed")}
	for _, err := range []error{c.Assess(1, a, casefile.CourseInCharge, worker, at), c.Act(2, action, worker, at), c.Close(3, closing, worker, at)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func write(t *testing.T, c *casefile.Case) []outbox.Event {
	t.Helper()
	var out []outbox.Event
	for _, e := range c.Events() {
		event, err := writer.Write(c, e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, event)
	}
	return out
}

// first are the samples, in the order of a case, with what they say.
var first = []struct {
	kind string
	want proto.Message
}{
	{"it.pari.case.opened.v1", &eventsv1.CaseOpened{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11}, ReceivedMonth: &recordv1.Month{Year: 2026, Month: 9}, Channel: "PHONE", ReporterRole: "VICTIM",
	}},
	{"it.pari.case.classified.v1", &eventsv1.CaseClassified{
		CasePseudonym: pseudonym, Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: "SEX", Type: "DIRECT", Flags: []string{"MULTIPLE"},
		Field: "WORK", AuthorKinds: []string{"COMPANY"}, IncidentMonth: &recordv1.Month{Year: 2026, Month: 10}, EventTerritory: "019", ResidenceTerritory: "019",
	}},
	{"it.pari.case.action_recorded.v1", &eventsv1.ActionRecorded{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11}, Code: "MEDIATION", Result: "POSITIVE",
	}},
	{"it.pari.case.closed.v1", &eventsv1.CaseClosed{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11}, Outcome: "REMOVED", SecondaryOutcomes: []string{"INFORMED"},
	}},
}

func sample(t *testing.T, kind string) []byte {
	t.Helper()
	raw, err := samples.ReadFile("testdata/" + strings.TrimPrefix(kind, "it.pari.") + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Ensure the first events ever published are still read, whole.
func TestEvents_ReadTheFirstSamples(t *testing.T) {
	t.Parallel()
	for _, f := range first {
		got := f.want.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(sample(t, f.kind), got); err != nil {
			t.Errorf("%s: %v", f.kind, err)
		}
		if diff := cmp.Diff(f.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", f.kind, diff)
		}
	}
}

// Ensure the same case is written as the same bytes as ever, numbered, under its pseudonym, and with nothing more of it: no
// identifier, number, day, municipality, person, minute or note.
func TestEvents_WriteTheFirstSamples(t *testing.T) {
	t.Parallel()
	got := write(t, worked(t, finding("S2")))
	if len(got) != len(first) {
		t.Fatalf("%d events", len(got))
	}
	for i, f := range first {
		want := outbox.Event{Node: "cremona", Type: f.kind, Aggregate: pseudonym, AggregateSeq: int64(i + 1), Data: sample(t, f.kind)}
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("%s: %s", f.kind, diff)
		}
	}
}

// Ensure of a sealed case the centre learns that it was opened, is sealed and ended, and nothing else.
func TestEvents_OfASealedCase(t *testing.T) {
	t.Parallel()
	month := &recordv1.Month{Year: 2026, Month: 11}
	want := []proto.Message{
		&eventsv1.CaseOpened{CasePseudonym: pseudonym, Month: month, ReceivedMonth: &recordv1.Month{Year: 2026, Month: 9}, Channel: "PHONE", ReporterRole: "VICTIM"},
		&eventsv1.CaseClassified{CasePseudonym: pseudonym, Sealed: true},
		&eventsv1.CaseClosed{CasePseudonym: pseudonym, Month: month},
	}
	got := write(t, worked(t, finding("S4")))
	if len(got) != len(want) {
		t.Fatalf("%d events", len(got))
	}
	for i, e := range got {
		message := want[i].ProtoReflect().New().Interface()
		if err := proto.Unmarshal(e.Data, message); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], message, protocmp.Transform()); diff != "" || e.AggregateSeq != int64(i+1) {
			t.Errorf("event %d, number %d: %s", i, e.AggregateSeq, diff)
		}
	}
}

// Ensure a municipality becomes its province, and what is no municipality stays.
func TestEvents_Places(t *testing.T) {
	t.Parallel()
	for place, want := range map[string]string{"019036": "019", "019": "019", "ONLINE": "ONLINE", "ND": "ND"} {
		a := finding("S2")
		a.EventPlace, a.Residence = place, place
		var got eventsv1.CaseClassified
		if err := proto.Unmarshal(write(t, worked(t, a))[1].Data, &got); err != nil {
			t.Fatal(err)
		}
		if got.GetEventTerritory() != want || got.GetResidenceTerritory() != want {
			t.Errorf("%s is told as %s and %s", place, got.GetEventTerritory(), got.GetResidenceTerritory())
		}
	}
}

// Ensure the month of the incident stays out where nobody knows it.
func TestEvents_WithoutIncidentMonth(t *testing.T) {
	t.Parallel()
	a := finding("S2")
	a.IncidentMonth = nil
	var got eventsv1.CaseClassified
	if err := proto.Unmarshal(write(t, worked(t, a))[1].Data, &got); err != nil || got.IncidentMonth != nil {
		t.Errorf("month %v, %v", got.GetIncidentMonth(), err)
	}
}

// Ensure the month is that of Italy, on both sides of its midnight, in winter and in summer.
func TestEvents_Month(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   time.Time
		want *recordv1.Month
	}{
		{time.Date(2026, 12, 31, 22, 59, 59, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 12}},
		{time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), &recordv1.Month{Year: 2027, Month: 1}},
		{time.Date(2026, 7, 31, 21, 59, 59, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 7}},
		{time.Date(2026, 7, 31, 22, 0, 0, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 8}},
		{time.Date(2027, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3*3600)), &recordv1.Month{Year: 2026, Month: 12}},
	} {
		file := casefile.Open(casefile.Opening{Node: "cremona", Pseudonym: pseudonym, Received: casefile.Month{Year: 2026, Month: 6}}, worker, c.at)
		var got eventsv1.CaseOpened
		if err := proto.Unmarshal(write(t, file)[0].Data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got.GetMonth(), protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", c.at, diff)
		}
	}
}

func TestWrite_RefusesAnUnknownEvent(t *testing.T) {
	t.Parallel()
	if _, err := writer.Write(worked(t, finding("S2")), casefile.Event{Kind: "MOVED"}); err == nil {
		t.Error("an event without a message was written")
	}
}
