package entry_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

var today = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func codes() *vocabulary.Set {
	list := func(name string, codes ...string) *vocabularyv1.Vocabulary {
		l := &vocabularyv1.Vocabulary{Name: name, Version: 1}
		for _, c := range codes {
			l.Terms = append(l.Terms, &vocabularyv1.Term{Code: c})
		}
		return l
	}
	return vocabulary.NewSet(list("territory", "019", "019036", "004078"), list("office_kind", "DESK"),
		list("office_state", "ACTIVE", "CLOSED"),
		list("event_type", "COURSE"), list("training_kind", "LEGAL"), list("training_participant", "FFOO"),
		list("programme_indicator", "IND_WORKSHOPS"))
}

func source() *directoryv1.Provenance { return &directoryv1.Provenance{Source: "prova"} }

// fixture is a small valid directory. Tests edit it.
type fixture struct {
	body        *directoryv1.Body
	node, other *directoryv1.Node
	office      *directoryv1.Office
	initiative  *directoryv1.Initiative
	course      *directoryv1.Course
	programme   *directoryv1.Programme
	room        *directoryv1.Room
}

func newFixture() *fixture {
	node := func(id, territory string) *directoryv1.Node {
		return &directoryv1.Node{
			NodeId: id, Name: id, Region: "lombardia", Level: directoryv1.NodeLevel_NODE_LEVEL_NODE,
			Stages: []*directoryv1.Stage{{State: "ACTIVE"}},
			Hosts: []*directoryv1.Hosting{{Body: "body/comune", To: "2020-12-31"},
				{Body: "body/comune", From: "2021-01"}},
			Territories: []*directoryv1.ServedTerritory{{Territory: territory}}, Provenance: source(),
		}
	}
	return &fixture{
		body: &directoryv1.Body{BodyId: "comune", Name: "Comune", Kind: directoryv1.BodyKind_BODY_KIND_MUNICIPALITY,
			Provenance: source()},
		node: node("cremona", "019036"), other: node("cuneo", "004078"),
		office: &directoryv1.Office{
			OfficeId: "sportello", Name: "Sportello", Kind: "DESK", State: "ACTIVE", Region: "lombardia",
			Node: "cremona", Source: "prova", Territories: []string{"019036"},
			Hours:  []*directoryv1.Hours{{Weekday: 2, Opens: "09:00", Closes: "13:00"}},
			Phones: []*directoryv1.Phone{{Number: "0372 407364"}},
		},
		initiative: &directoryv1.Initiative{
			InitiativeId: "corso", Title: "Corso", Types: []string{"COURSE"}, Region: "lombardia", Node: "cremona",
			Themes: []string{"Lavoro", "Casa"},
			Sessions: []*directoryv1.Session{{Date: "2024-04-08", Opens: "14:30", Closes: "17:00", Theme: "Lavoro"},
				{Date: "2024-04-15"}},
			Provenance: &directoryv1.Provenance{Source: "prova", ValidFrom: "2024-04-08", ValidTo: "2024-05-27"},
		},
		course: &directoryv1.Course{
			CourseId: "tutela", Title: "Tutela", Kinds: []string{"LEGAL"}, Region: "lombardia", Provenance: source(),
			Modules: []*directoryv1.Module{{Code: "uno", Title: "Uno"}},
			Editions: []*directoryv1.Edition{{Code: "prima", From: "2025-03-01", To: "2025-03-31",
				Attendance: []*directoryv1.Attendance{{Participant: "FFOO", Module: "uno", Persons: 12}}}},
		},
		programme: &directoryv1.Programme{
			ProgrammeId: "progetto", Title: "Progetto", Kind: directoryv1.ProgrammeKind_PROGRAMME_KIND_PROJECT,
			Region: "lombardia", Provenance: source(),
			Budget: &directoryv1.Budget{TotalCents: 100,
				Lines: []*directoryv1.BudgetLine{{Title: "uno", Cents: 60}, {Title: "due", Cents: 40}}},
		},
		room: &directoryv1.Room{RoomId: "sala", Name: "Sala", Office: "office/sportello", Provenance: source()},
	}
}

func (env *fixture) entries(t *testing.T) (all []*directoryv1.Entry) {
	t.Helper()
	for _, content := range []proto.Message{
		env.body, env.node, env.other, env.office, env.initiative, env.course, env.programme, env.room,
	} {
		all = append(all, newEntry(t, content))
	}
	return all
}

func TestFindProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*fixture)
		want []string // entry, path and reason
	}{
		{"valid directory", func(*fixture) {}, nil},
		{"overlapping hours", func(env *fixture) {
			env.office.Hours = append(env.office.Hours, &directoryv1.Hours{Weekday: 2, Opens: "12:00", Closes: "15:00"})
		}, []string{"office/sportello hours[1] OVERLAP"}},
		{"closing before opening", func(env *fixture) { env.office.Hours[0].Closes = "08:00" },
			[]string{"office/sportello hours[0].closes CLOSES_BEFORE_OPENS"}},
		{"impossible time", func(env *fixture) { env.office.Hours[0].Closes = "25:00" },
			[]string{"office/sportello hours[0].closes BAD_FORMAT"}},
		{"29 February of a common year", func(env *fixture) { env.office.ValidFrom = "2026-02-29" },
			[]string{"office/sportello valid_from IMPOSSIBLE_DATE"}},
		{"29 February of a leap year", func(env *fixture) { env.office.ValidFrom = "2028-02-29" }, nil},
		{"telephone with letters", func(env *fixture) { env.office.Phones[0].Number = "0372 CALL" },
			[]string{"office/sportello phones[0].number BAD_FORMAT"}},
		{"telephone without number and hours", func(env *fixture) { env.office.Phones[0].Number = "" },
			[]string{"office/sportello phones[0].number REQUIRED"}},
		{"blank e-mail", func(env *fixture) { env.office.Emails = []*directoryv1.Email{{}} },
			[]string{"office/sportello emails[0].address BAD_EMAIL"}},
		{"no e-mail", func(env *fixture) { env.office.Emails = nil }, nil},
		{"unknown ISTAT code", func(env *fixture) { env.office.Territories = []string{"019999"} },
			[]string{"office/sportello territories[0] UNKNOWN_CODE"}},
		{"telephone with hours and no number", func(env *fixture) {
			env.office.Phones[0] = &directoryv1.Phone{Hours: env.office.Hours}
		}, nil},
		{"closed exception with hours", func(env *fixture) {
			env.office.Exceptions = []*directoryv1.OpeningException{{
				From: "2026-12-24", Closed: true, Hours: []*directoryv1.OpeningTimes{{Opens: "09:00", Closes: "10:00"}},
			}}
		}, []string{"office/sportello exceptions[0].hours OVERLAP"}},
		{"time in the skipped hour", func(env *fixture) {
			env.office.Exceptions = []*directoryv1.OpeningException{{
				From: "2026-03-29", Hours: []*directoryv1.OpeningTimes{{Opens: "02:30", Closes: "10:00"}},
			}}
		}, []string{"office/sportello exceptions[0].hours[0].opens HOUR_SKIPPED_BY_CLOCK_CHANGE"}},
		{"unknown body in a nested message", func(env *fixture) { env.node.Hosts[0].Body = "body/altro" },
			[]string{"node/cremona hosts[0].body UNKNOWN_ENTRY"}},
		{"bare identifier where several kinds are allowed", func(env *fixture) {
			env.initiative.Organisers = []string{"sportello"}
		}, []string{"initiative/corso organisers[0] BAD_FORMAT", "initiative/corso organisers[0] UNKNOWN_ENTRY"}},
		{"empty reference", func(env *fixture) { env.initiative.Organisers = []string{""} },
			[]string{"initiative/corso organisers[0] BAD_FORMAT"}},
		{"edition of one day", func(env *fixture) { env.course.Editions[0].To = env.course.Editions[0].From }, nil},
		{"opening without duration", func(env *fixture) { env.office.Hours[0].Closes = env.office.Hours[0].Opens },
			[]string{"office/sportello hours[0].closes CLOSES_BEFORE_OPENS"}},
		{"session without duration", func(env *fixture) { env.initiative.Sessions[0].Closes = "14:30" },
			[]string{"initiative/corso sessions[0].closes CLOSES_BEFORE_OPENS"}},
		{"session without a closing time", func(env *fixture) { env.initiative.Sessions[0].Closes = "" }, nil},
		{"ages in order", func(env *fixture) { env.initiative.AgeFrom, env.initiative.AgeTo = 18, 35 }, nil},
		{"unknown node", func(env *fixture) { env.office.Node = "lodi" },
			[]string{"office/sportello node UNKNOWN_ENTRY"}},
		{"room of a node", func(env *fixture) { env.room.Office = "node/cremona" },
			[]string{"room/sala office UNKNOWN_ENTRY"}},
		{"two nodes that are each other's fallback",
			func(env *fixture) { env.node.FallbackNode, env.other.FallbackNode = "cuneo", "cremona" },
			[]string{"node/cremona fallback_node CYCLE", "node/cuneo fallback_node CYCLE"}},
		{"an indicator that is not on the list", func(env *fixture) {
			env.programme.Indicators = []*directoryv1.Indicator{{Code: "IND_OTHER", Title: "Altro", Unit: "persone"},
				{Title: "Senza codice", Unit: "persone"}}
		}, []string{"programme/progetto indicators[0].code UNKNOWN_CODE"}},
		{"a node under itself", func(env *fixture) { env.node.SupervisedBy = "cremona" },
			[]string{"node/cremona supervised_by CYCLE"}},
		{"a fallback to another node", func(env *fixture) { env.node.FallbackNode = "cuneo" }, nil},
		{"a fallback to a node in a cycle",
			func(env *fixture) { env.node.FallbackNode, env.other.FallbackNode = "cuneo", "cuneo" },
			[]string{"node/cuneo fallback_node CYCLE"}},
		{"a node without a name", func(env *fixture) { env.node.NodeId = "" },
			[]string{"initiative/corso node UNKNOWN_ENTRY", "node/ node_id BAD_FORMAT",
				"office/sportello node UNKNOWN_ENTRY"}},
		{"territory with two active nodes", func(env *fixture) { env.other.Territories[0].Territory = "019036" },
			[]string{"node/cremona territories[0].territory TWO_ACTIVE_NODES",
				"node/cuneo territories[0].territory TWO_ACTIVE_NODES"}},
		{"territory with active nodes of two levels", func(env *fixture) {
			env.other.Level, env.other.Territories[0].Territory = directoryv1.NodeLevel_NODE_LEVEL_REGIONAL_CENTRE,
				"019036"
		}, nil},
		{"territory whose first node ended", func(env *fixture) {
			env.other.Territories[0] = &directoryv1.ServedTerritory{Territory: "019036", From: "2022-01-01"}
			env.node.Territories[0].To = "2021-12-31"
		}, nil},
		{"territory of a node that is closed", func(env *fixture) {
			env.other.Territories[0].Territory = "019036"
			env.node.Stages = append(env.node.Stages, &directoryv1.Stage{State: "CLOSED", From: "2025"})
		}, nil},
		{"two hosts on one day", func(env *fixture) { env.node.Hosts[0].To = "2021-06-30" },
			[]string{"node/cremona hosts[1].from OVERLAP"}},
		{"node that never began", func(env *fixture) { env.node.Stages = nil },
			[]string{"node/cremona stages TOO_FEW"}},
		{"ends before it begins", func(env *fixture) { env.course.Editions[0].To = "2025-02-01" },
			[]string{"course/tutela editions[0].to RANGE_REVERSED"}},
		{"course without modules", func(env *fixture) { env.course.Modules, env.course.Editions = nil, nil },
			[]string{"course/tutela modules TOO_FEW"}},
		{"attendance of another course's module",
			func(env *fixture) { env.course.Editions[0].Attendance[0].Module = "due" },
			[]string{"course/tutela editions[0].attendance[0].module NOT_LISTED"}},
		{"series without an end", func(env *fixture) { env.initiative.Provenance.ValidTo = "" }, nil},
		{"session after its series", func(env *fixture) { env.initiative.Sessions[1].Date = "2024-06-03" },
			[]string{"initiative/corso sessions[1].date OUTSIDE_SERIES"}},
		{"sessions out of order", func(env *fixture) { slices.Reverse(env.initiative.Sessions) },
			[]string{"initiative/corso sessions[1].date OUTSIDE_SERIES"}},
		{"session before its series", func(env *fixture) { env.initiative.Sessions[0].Date = "2024-04-07" },
			[]string{"initiative/corso sessions[0].date OUTSIDE_SERIES"}},
		{"session on another theme", func(env *fixture) { env.initiative.Sessions[0].Theme = "Amore" },
			[]string{"initiative/corso sessions[0].theme NOT_LISTED"}},
		{"no upper age", func(env *fixture) { env.initiative.AgeFrom = 35 }, nil},
		{"ages reversed", func(env *fixture) { env.initiative.AgeFrom, env.initiative.AgeTo = 35, 18 },
			[]string{"initiative/corso age_to RANGE_REVERSED"}},
		{"budget lines above the total", func(env *fixture) { env.programme.Budget.Lines[0].Cents = 61 },
			[]string{"programme/progetto budget.lines SUM_TOO_LARGE"}},
		{"budget lines without a total", func(env *fixture) { env.programme.Budget.TotalCents = 0 }, nil},
		{"no source", func(env *fixture) { env.body.Provenance = nil }, []string{"body/comune provenance REQUIRED"}},
		{"page that is not https",
			func(env *fixture) { env.office.Links = []*directoryv1.Link{{Title: "t", Url: "http://x"}} },
			[]string{"office/sportello links[0].url BAD_FORMAT"}},
		{"all at once",
			func(env *fixture) { env.office.Node, env.room.Office, env.office.Name = "lodi", "office/altro", "" },
			[]string{"office/sportello name REQUIRED", "office/sportello node UNKNOWN_ENTRY",
				"room/sala office UNKNOWN_ENTRY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := newFixture()
			c.edit(env)
			all := env.entries(t)
			problems := entry.FindProblems(all, nil, codes(), today)
			var got []string
			for ref, fields := range problems {
				for _, f := range fields {
					got = append(got, string(ref)+" "+f.Path+" "+string(f.Reason))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
			err := entry.Validate(all, codes(), today)
			if (err == nil) != (c.want == nil) {
				t.Errorf("Validate returns %v", err)
			}
			if err != nil && !fault.Is(errors.Unwrap(first(err)), fault.InvalidRequest) {
				t.Errorf("Validate returns %v, want an invalid request", err)
			}
		})
	}
}

// first returns the first of joined errors.
func first(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return err
}
