package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// figures are counts by the codes of their categories, without those that are zero.
type figures map[string]int64

func (f figures) add(n int64, codes ...string) {
	if n != 0 {
		f[strings.Join(codes, " ")] += n
	}
}

// table reads a table of the present year as figures. All of it must be exact.
func (n *net) table(t *testing.T, code, region string) figures {
	t.Helper()
	answer, err := reportingv1.NewReportingServiceClient(n.conn(t, "reporting", "centre", person("analyst"))).GetTable(
		soon(t), &reportingv1.GetTableRequest{Table: code, Region: region, Year: int32(time.Now().Year())})
	if err != nil {
		t.Fatal(err)
	}
	if p := answer.GetTable().GetProtection(); p.GetThreshold() != 0 || p.GetBase() != 1 {
		t.Errorf("%s is protected by %v", code, p)
	}
	f := figures{}
	for _, c := range answer.GetTable().GetCells() {
		f.add(c.GetValue(), c.GetKeys()...)
	}
	return f
}

// entries are all that the directory holds.
func (n *net) entries(t *testing.T) (all []*directoryv1.Entry) {
	t.Helper()
	client := n.Directory(t, "centre", system("console"))
	for page := ""; ; {
		answer, err := client.ListEntries(soon(t), &directoryv1.ListEntriesRequest{PageSize: 200, PageToken: page})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answer.GetEntries()...)
		if page = answer.GetNextPageToken(); page == "" {
			return all
		}
	}
}

// activityOf counts by hand, for data that are simple enough: who works, works today; attendance is given for whole courses.
func activityOf(entries []*directoryv1.Entry, region string) figures {
	f, today := figures{}, time.Now().Format(time.DateOnly)
	add := func(n int64, in, node, measure string) {
		if in == region {
			f.add(n, measure, "TOTAL")
			if node != "" {
				f.add(n, measure, node)
			}
		}
	}
	for _, e := range entries {
		points := []string{"NODE", "ANTENNA", "DESK", "INFO_POINT", "LISTENING_POINT", "EQUALITY_CENTRE", "RIGHTS_HOUSE"}
		if o := e.GetOffice(); o != nil && o.GetState() == "ACTIVE" && slices.Contains(points, o.GetKind()) {
			add(1, o.GetRegion(), o.GetNode(), "ACTIVE_POINTS")
		}
		i := e.GetInitiative()
		for _, s := range i.GetSessions() {
			if s.GetDate()[:4] == today[:4] && s.GetDate() <= today && !s.GetCancelled() {
				add(1, i.GetRegion(), i.GetNode(), "SESSIONS_HELD")
			}
		}
		c := e.GetCourse()
		for _, edition := range c.GetEditions() {
			if edition.GetTo()[:4] != today[:4] || edition.GetTo() > today {
				continue
			}
			add(1, c.GetRegion(), c.GetNode(), "EDITIONS_HELD")
			for _, m := range c.GetModules() {
				add(int64(m.GetHours()), c.GetRegion(), c.GetNode(), "TRAINING_HOURS")
			}
			for _, a := range edition.GetAttendance() {
				add(int64(a.GetPersons()), c.GetRegion(), c.GetNode(), "PERSONS_TRAINED")
				if a.GetOffice() != "" {
					add(int64(a.GetPersons()), c.GetRegion(), c.GetNode(), "OPERATORS_TRAINED")
				}
			}
		}
	}
	return f
}

// indicatorsOf counts by hand, for measures of whole years.
func indicatorsOf(entries []*directoryv1.Entry, region string) figures {
	f := figures{}
	for _, e := range entries {
		p := e.GetProgramme()
		if p.GetRegion() != region {
			continue
		}
		for _, i := range p.GetIndicators() {
			for _, programme := range []string{p.GetProgrammeId(), "TOTAL"} {
				f.add(i.GetTarget(), programme, i.GetCode(), "TARGET")
				for _, m := range i.GetMeasures() {
					f.add(m.GetValue(), programme, i.GetCode(), "SO_FAR")
					if m.GetPeriod() == time.Now().Format("2006") {
						f.add(m.GetValue(), programme, i.GetCode(), "YEAR")
					}
				}
			}
		}
	}
	return f
}

// agrees waits until reporting counts what the directory holds.
func (n *net) agrees(t *testing.T, when string) {
	t.Helper()
	for _, region := range []string{"lombardia", "piemonte"} {
		for table, byHand := range map[string]func([]*directoryv1.Entry, string) figures{"T14": activityOf, "T15": indicatorsOf} {
			comes(t, table+" of "+region+" "+when, func() bool {
				want, got := byHand(n.entries(t), region), n.table(t, table, region)
				diff := cmp.Diff(want, got)
				if diff != "" {
					t.Logf("%s of %s %s, for now (-entries +table):\n%s", table, region, when, diff)
				}
				return diff == ""
			})
		}
	}
}

// revise changes what an entry says, by an editor and a publisher of the centre, and waits until the directory shows it: a
// copy of the service reads a change a moment after it was approved.
func (n *net) revise(t *testing.T, kind, id string, change func(*directoryv1.Entry)) {
	t.Helper()
	got, err := n.Directory(t, "centre", system("console")).GetEntry(soon(t), &directoryv1.GetEntryRequest{Kind: kind, Id: id})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := proto.Clone(got.GetEntry()).(*directoryv1.Entry)
	e.StoredAt = nil
	change(e)
	proposed, err := n.Directory(t, "centre", person("editor")).ProposeChanges(soon(t), &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{e},
	})
	if err != nil {
		t.Fatal(err)
	}
	decided, err := n.Directory(t, "centre", person("publisher")).DecideProposal(soon(t), &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: proposed.GetProposal().GetProposalId(), Version: proposed.GetProposal().GetVersion(),
		Decision: directoryv1.Decision_DECISION_APPROVE,
	})
	if err != nil {
		t.Fatal(err)
	}
	comes(t, "the change of "+kind+"/"+id, func() bool {
		shown, err := n.Directory(t, "centre", system("console")).GetEntry(soon(t), &directoryv1.GetEntryRequest{Kind: kind, Id: id})
		return err == nil && shown.GetEntry().GetRevision() >= decided.GetProposal().GetRevision()
	})
}

// Ensure that the tables of the network's activity and of the programmes agree with the directory from the start, follow what is
// changed in it, and give back what is taken out.
func TestActivity_IsWhatTheDirectoryHolds(t *testing.T) {
	t.Parallel()
	n := everyones(t)
	n.agrees(t, "at the start")
	points := n.table(t, "T14", "lombardia")["ACTIVE_POINTS cremona"]
	if points == 0 {
		t.Error("Cremona has no active point")
	}

	year := time.Now().Format("2006")
	n.revise(t, "course", "formazione-cremona", func(e *directoryv1.Entry) {
		e.GetCourse().Modules[0].Hours = 8
		e.GetCourse().Editions = append(e.GetCourse().Editions, &directoryv1.Edition{
			Code: "prova", From: year + "-01-01", To: year + "-01-01", Attendance: []*directoryv1.Attendance{
				{Participant: "MUNICIPAL_STAFF", Persons: 14}, {Participant: "BODY_OPERATORS", Persons: 3, Office: "office/cremona-sportello"},
			},
		})
	})
	n.revise(t, "programme", "fami-piemonte-2021-2027", func(e *directoryv1.Entry) {
		i := e.GetProgramme().GetIndicators()[0]
		i.Target, i.Measures = 120, []*directoryv1.Measure{{Period: year, Value: 35}, {Period: "2024", Value: 5}}
	})
	n.agrees(t, "after the changes")
	for key, want := range map[string]int64{"EDITIONS_HELD cremona": 1, "TRAINING_HOURS cremona": 8, "PERSONS_TRAINED TOTAL": 17, "OPERATORS_TRAINED cremona": 3, "ACTIVE_POINTS cremona": points} {
		if got := n.table(t, "T14", "lombardia")[key]; got != want {
			t.Errorf("T14: %s is %d, want %d", key, got, want)
		}
	}
	for figure, want := range map[string]int64{"TARGET": 120, "YEAR": 35, "SO_FAR": 40} {
		if got := n.table(t, "T15", "piemonte")["fami-piemonte-2021-2027 IND_OPERATORS_TRAINED "+figure]; got != want {
			t.Errorf("T15: %s is %d, want %d", figure, got, want)
		}
	}

	n.revise(t, "course", "formazione-cremona", func(e *directoryv1.Entry) { e.GetCourse().Editions = nil })
	n.revise(t, "programme", "fami-piemonte-2021-2027", func(e *directoryv1.Entry) {
		i := e.GetProgramme().GetIndicators()[0]
		i.Target, i.Measures = 0, nil
	})
	n.agrees(t, "after all was taken back")
}
