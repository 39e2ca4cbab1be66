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
	"github.com/retepari/pari/pkg/tenant"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/feed"
)

// golden holds the data of events as first published. Streams and archives hold such events, so it must never change.
//
//go:embed testdata/*.bin
var golden embed.FS

const pseudonym = "7c1d8f0e-52a4-4b0e-9a0c-1f3b6c2d4e5f"

var (
	now     = time.Date(2026, 11, 23, 9, 41, 27, 0, time.UTC)
	cremona = tenant.ID{Region: "lombardia", Node: "cremona"}
	worker  = casefile.Actor{Person: "ugo", Tenant: cremona, System: "console"}
)

// territories maps places to their groups: municipality 019036 is in province 019, and that in region 03. The list has
// no regions.
var territories = map[string]string{"019036": "019", "019": "03", "ONLINE": "", "ND": ""}

var encoder = feed.Encoder{
	Group: func(list, code string) string {
		if list != "territory" {
			return ""
		}
		return territories[code]
	},
	Known: func(list, code string) bool {
		_, ok := territories[code]
		return ok && list == "territory"
	},
}

func newAssessment(sensitivity string) casefile.Assessment {
	return casefile.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: "SEX", Type: "DIRECT",
		Flags: []string{"MULTIPLE"}, Field: "WORK", AuthorKinds: []string{"COMPANY"},
		IncidentMonth: &casefile.Month{Year: 2026, Month: 10}, EventPlace: "019036", Residence: "019",
		Sensitivity: sensitivity,
	}
}

// closedCase returns a case that was opened, assessed, acted on and closed.
func closedCase(t *testing.T, a casefile.Assessment) *casefile.Case {
	t.Helper()
	c := casefile.Open(casefile.OpenParams{
		ID: "9d0b8f53-0f2b-4f0c-8d7e-0c5b7a1e2d3c", Number: "CR-C-2026-000042", Tenant: cremona, Pseudonym: pseudonym,
		ReportID: "0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11", Received: casefile.Month{Year: 2026, Month: 9},
		Channel: "PHONE", ReporterRole: "VICTIM",
	}, worker, now)
	action := casefile.Action{
		ID: "a", Code: "MEDIATION", Result: "POSITIVE", ReferralTarget: "LAWYER", Minutes: 90,
		SealedNote: []byte("sealed"),
	}
	closing := casefile.Closing{
		Outcome: "REMOVED", SecondaryOutcomes: []string{"INFORMED"}, PersonInformed: true, SealedNote: []byte("sealed"),
	}
	for _, err := range []error{
		c.Assess(1, a, casefile.DispositionInCharge, worker, now), c.RecordAction(2, action, worker, now),
		c.Close(3, closing, worker, now),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func encodeAll(t *testing.T, c *casefile.Case) []outbox.Event {
	t.Helper()
	var out []outbox.Event
	for _, e := range c.UnsavedEvents() {
		event, err := encoder.Encode(c, e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, event)
	}
	return out
}

// goldenEvents are the messages in golden, in the order of a case.
var goldenEvents = []struct {
	eventType string
	message   proto.Message
}{
	{"it.pari.case.opened.v1", &eventsv1.CaseOpened{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11},
		ReceivedMonth: &recordv1.Month{Year: 2026, Month: 9}, Channel: "PHONE", ReporterRole: "VICTIM",
	}},
	{"it.pari.case.classified.v1", &eventsv1.CaseClassified{
		CasePseudonym: pseudonym, Verdict: "PERTINENT_LEGAL", Grounds: []string{"SEX", "DISABILITY"}, MainGround: "SEX",
		Type: "DIRECT", Flags: []string{"MULTIPLE"}, Field: "WORK", AuthorKinds: []string{"COMPANY"},
		IncidentMonth: &recordv1.Month{Year: 2026, Month: 10}, EventTerritory: "019", ResidenceTerritory: "019",
	}},
	{"it.pari.case.action_recorded.v1", &eventsv1.ActionRecorded{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11}, Code: "MEDIATION", Result: "POSITIVE",
	}},
	{"it.pari.case.closed.v1", &eventsv1.CaseClosed{
		CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11}, Outcome: "REMOVED",
		SecondaryOutcomes: []string{"INFORMED"},
	}},
}

func readGolden(t *testing.T, eventType string) []byte {
	t.Helper()
	data, err := golden.ReadFile("testdata/" + strings.TrimPrefix(eventType, "it.pari.") + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Ensure today's contract decodes the golden events completely.
func TestEvents_DecodeGolden(t *testing.T) {
	t.Parallel()
	for _, g := range goldenEvents {
		got := g.message.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(readGolden(t, g.eventType), got); err != nil {
			t.Errorf("%s: %v", g.eventType, err)
		}
		if diff := cmp.Diff(g.message, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", g.eventType, diff)
		}
	}
}

// Ensure the events of a case equal the golden ones, numbered and under its pseudonym: they have no identifier, number,
// day, municipality, person, minutes or note.
func TestEncoder_EqualsGolden(t *testing.T) {
	t.Parallel()
	got := encodeAll(t, closedCase(t, newAssessment("S2")))
	if len(got) != len(goldenEvents) {
		t.Fatalf("%d events", len(got))
	}
	for i, g := range goldenEvents {
		want := outbox.Event{
			Tenant: cremona, Type: g.eventType, Aggregate: pseudonym, AggregateSeq: int64(i + 1),
			Data: readGolden(t, g.eventType),
		}
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("%s: %s", g.eventType, diff)
		}
	}
}

// Ensure the events of a case that its first assessment restricts say, after the opening, only that it is restricted
// and the month in which it ended. The opening is sent before: months, channel and role of the reporter.
func TestEncoder_RestrictedCase(t *testing.T) {
	t.Parallel()
	month, received := &recordv1.Month{Year: 2026, Month: 11}, &recordv1.Month{Year: 2026, Month: 9}
	want := []proto.Message{
		&eventsv1.CaseOpened{
			CasePseudonym: pseudonym, Month: month, ReceivedMonth: received, Channel: "PHONE", ReporterRole: "VICTIM",
		},
		&eventsv1.CaseClassified{CasePseudonym: pseudonym, Sealed: true},
		&eventsv1.CaseClosed{CasePseudonym: pseudonym, Month: month},
	}
	checkEvents(t, closedCase(t, newAssessment(casefile.SensitivityRestricted)), want...)
}

// Ensure a case that is restricted later sends no details from then on, and that its earlier events have them.
func TestEncoder_CaseRestrictedLater(t *testing.T) {
	t.Parallel()
	c := casefile.Open(casefile.OpenParams{
		Tenant: cremona, Pseudonym: pseudonym, Received: casefile.Month{Year: 2026, Month: 9}, Channel: "PHONE",
		ReporterRole: "VICTIM",
	}, worker, now)
	restricted := newAssessment(casefile.SensitivityRestricted)
	for _, err := range []error{
		c.Assess(1, newAssessment("S2"), casefile.DispositionInCharge, worker, now),
		c.RecordAction(2, casefile.Action{Code: "MEDIATION", Result: "POSITIVE"}, worker, now),
		c.Assess(3, restricted, casefile.DispositionInCharge, worker, now),
		c.RecordAction(4, casefile.Action{Code: "REFERRAL"}, worker, now),
		c.Close(5, casefile.Closing{Outcome: "REMOVED"}, worker, now),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	checkEvents(t, c, goldenEvents[0].message, goldenEvents[1].message, goldenEvents[2].message,
		&eventsv1.CaseClassified{CasePseudonym: pseudonym, Sealed: true},
		&eventsv1.CaseClosed{CasePseudonym: pseudonym, Month: &recordv1.Month{Year: 2026, Month: 11}},
	)
}

// checkEvents checks the messages and the numbers of a case's events.
func checkEvents(t *testing.T, c *casefile.Case, want ...proto.Message) {
	t.Helper()
	got := encodeAll(t, c)
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
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

// classified returns the classification event of a case with assessment a.
func classified(t *testing.T, a casefile.Assessment) *eventsv1.CaseClassified {
	t.Helper()
	var message eventsv1.CaseClassified
	if err := proto.Unmarshal(encodeAll(t, closedCase(t, a))[1].Data, &message); err != nil {
		t.Fatal(err)
	}
	return &message
}

// Ensure a municipality is encoded as its province, and any other place unchanged.
func TestEncoder_Places(t *testing.T) {
	t.Parallel()
	for place, want := range map[string]string{"019036": "019", "019": "019", "ONLINE": "ONLINE", "ND": "ND"} {
		a := newAssessment("S2")
		a.EventPlace, a.Residence = place, place
		got := classified(t, a)
		if got.GetEventTerritory() != want || got.GetResidenceTerritory() != want {
			t.Errorf("%s is encoded as %s and %s", place, got.GetEventTerritory(), got.GetResidenceTerritory())
		}
	}
}

// Ensure an unknown month of the incident is absent.
func TestEncoder_WithoutIncidentMonth(t *testing.T) {
	t.Parallel()
	a := newAssessment("S2")
	a.IncidentMonth = nil
	if got := classified(t, a); got.IncidentMonth != nil {
		t.Errorf("month %v", got.GetIncidentMonth())
	}
}

// Ensure the month is the one in Italy, just before and after its midnight, in winter and in summer.
func TestEncoder_Month(t *testing.T) {
	t.Parallel()
	params := casefile.OpenParams{
		Tenant: cremona, Pseudonym: pseudonym, Received: casefile.Month{Year: 2026, Month: 6},
	}
	for _, tc := range []struct {
		at   time.Time
		want *recordv1.Month
	}{
		{time.Date(2026, 12, 31, 22, 59, 59, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 12}},
		{time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), &recordv1.Month{Year: 2027, Month: 1}},
		{time.Date(2026, 7, 31, 21, 59, 59, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 7}},
		{time.Date(2026, 7, 31, 22, 0, 0, 0, time.UTC), &recordv1.Month{Year: 2026, Month: 8}},
		{time.Date(2027, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3*3600)), &recordv1.Month{Year: 2026, Month: 12}},
	} {
		var got eventsv1.CaseOpened
		if err := proto.Unmarshal(encodeAll(t, casefile.Open(params, worker, tc.at))[0].Data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got.GetMonth(), protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", tc.at, diff)
		}
	}
}

func TestEncoder_RefusesAnUnknownKind(t *testing.T) {
	t.Parallel()
	if _, err := encoder.Encode(closedCase(t, newAssessment("S2")), casefile.Event{Kind: "MOVED"}); err == nil {
		t.Error("an event of an unknown kind was encoded")
	}
}
