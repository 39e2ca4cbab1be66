package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// counts are the non-zero cells of a table by the codes of their categories, separated by spaces.
type counts map[string]int64

func (c counts) add(n int64, codes ...string) {
	if n != 0 {
		c[strings.Join(codes, " ")] += n
	}
}

// table reads a table of the present year. It fails when the table is not exact.
func (h *harness) table(t *testing.T, code, region string) counts {
	t.Helper()
	req := &reportingv1.GetTableRequest{Table: code, Region: region, Year: int32(time.Now().Year())}
	resp, err := h.Reporting(t).GetTable(callContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if p := resp.GetTable().GetProtection(); p.GetThreshold() != 0 || p.GetBase() != 1 {
		t.Errorf("%s is protected by %v", code, p)
	}
	c := counts{}
	for _, cell := range resp.GetTable().GetCells() {
		c.add(cell.GetValue(), cell.GetKeys()...)
	}
	return c
}

// listEntries returns all entries of the directory.
func (h *harness) listEntries(t *testing.T) (all []*directoryv1.Entry) {
	t.Helper()
	directory := h.Directory(t, "centre", system("console"))
	req := &directoryv1.ListEntriesRequest{PageSize: 200}
	for {
		page, err := directory.ListEntries(callContext(t), req)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.GetEntries()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

// contactPoints are the kinds of office that count as points of the network.
var contactPoints = []string{
	"NODE", "ANTENNA", "DESK", "INFO_POINT", "LISTENING_POINT", "EQUALITY_CENTRE", "RIGHTS_HOUSE",
}

// countActivity computes table T14 from the entries, independently of reporting. It relies on simple data: an active
// office is active today, and attendance is given for whole courses.
func countActivity(entries []*directoryv1.Entry, region string) counts {
	c, today := counts{}, time.Now().Format(time.DateOnly)
	thisYearUntilToday := func(date string) bool { return date[:4] == today[:4] && date <= today }
	for _, e := range entries {
		var entryRegion, node string
		add := func(n int64, measure string) {
			if entryRegion != region {
				return
			}
			c.add(n, measure, "TOTAL")
			if node != "" {
				c.add(n, measure, node)
			}
		}
		switch content := e.GetContent().(type) {
		case *directoryv1.Entry_Office:
			o := content.Office
			entryRegion, node = o.GetRegion(), o.GetNode()
			if o.GetState() == "ACTIVE" && slices.Contains(contactPoints, o.GetKind()) {
				add(1, "ACTIVE_POINTS")
			}
		case *directoryv1.Entry_Initiative:
			entryRegion, node = content.Initiative.GetRegion(), content.Initiative.GetNode()
			for _, s := range content.Initiative.GetSessions() {
				if thisYearUntilToday(s.GetDate()) && !s.GetCancelled() {
					add(1, "SESSIONS_HELD")
				}
			}
		case *directoryv1.Entry_Course:
			entryRegion, node = content.Course.GetRegion(), content.Course.GetNode()
			for _, edition := range content.Course.GetEditions() {
				if thisYearUntilToday(edition.GetTo()) {
					countEdition(content.Course, edition, add)
				}
			}
		}
	}
	return c
}

func countEdition(course *directoryv1.Course, edition *directoryv1.Edition, add func(n int64, measure string)) {
	add(1, "EDITIONS_HELD")
	for _, m := range course.GetModules() {
		add(int64(m.GetHours()), "TRAINING_HOURS")
	}
	for _, a := range edition.GetAttendance() {
		add(int64(a.GetPersons()), "PERSONS_TRAINED")
		if a.GetOffice() != "" {
			add(int64(a.GetPersons()), "OPERATORS_TRAINED")
		}
	}
}

// countIndicators computes table T15 from the entries, independently of reporting. It relies on measures of whole
// years.
func countIndicators(entries []*directoryv1.Entry, region string) counts {
	c := counts{}
	for _, e := range entries {
		p := e.GetProgramme()
		if p.GetRegion() != region {
			continue
		}
		for _, i := range p.GetIndicators() {
			for _, programme := range []string{p.GetProgrammeId(), "TOTAL"} {
				c.add(i.GetTarget(), programme, i.GetCode(), "TARGET")
				for _, m := range i.GetMeasures() {
					c.add(m.GetValue(), programme, i.GetCode(), "SO_FAR")
					if m.GetPeriod() == time.Now().Format("2006") {
						c.add(m.GetValue(), programme, i.GetCode(), "YEAR")
					}
				}
			}
		}
	}
	return c
}

// waitTablesMatch waits until the tables of reporting equal the counts of the directory's entries.
func (h *harness) waitTablesMatch(t *testing.T, when string) {
	t.Helper()
	for _, region := range []string{"lombardia", "piemonte"} {
		for table, count := range map[string]func([]*directoryv1.Entry, string) counts{
			"T14": countActivity, "T15": countIndicators,
		} {
			eventually(t, table+" of "+region+" "+when, func() bool {
				want, got := count(h.listEntries(t), region), h.table(t, table, region)
				diff := cmp.Diff(want, got)
				if diff != "" {
					t.Logf("%s of %s %s, not yet equal (-entries +table):\n%s", table, region, when, diff)
				}
				return diff == ""
			})
		}
	}
}

// edit changes an entry, publishes it, and waits until the directory returns the new revision. A replica of the service
// reads a change shortly after its approval.
func (h *harness) edit(t *testing.T, kind, id string, change func(*directoryv1.Entry)) {
	t.Helper()
	directory := h.Directory(t, "centre", system("console"))
	req := &directoryv1.GetEntryRequest{Kind: kind, Id: id}
	resp, err := directory.GetEntry(callContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	e := proto.CloneOf(resp.GetEntry())
	e.StoredAt = nil
	change(e)
	revision := h.publish(t, e)
	eventually(t, "the change of "+kind+"/"+id, func() bool {
		resp, err := directory.GetEntry(callContext(t), req)
		return err == nil && resp.GetEntry().GetRevision() >= revision
	})
}

// Ensure that the tables of activity and programmes agree with the directory from the start, include changes, and
// exclude what is removed.
func TestActivity_MatchesDirectory(t *testing.T) {
	t.Parallel()
	h := sharedHarness(t)
	h.waitTablesMatch(t, "at the start")
	points := h.table(t, "T14", "lombardia")["ACTIVE_POINTS cremona"]
	if points == 0 {
		t.Error("Cremona has no active point")
	}

	year := time.Now().Format("2006")
	h.edit(t, "course", "formazione-cremona", func(e *directoryv1.Entry) {
		c := e.GetCourse()
		c.Modules[0].Hours = 8
		c.Editions = append(c.Editions, &directoryv1.Edition{
			Code: "prova", From: year + "-01-01", To: year + "-01-01", Attendance: []*directoryv1.Attendance{
				{Participant: "MUNICIPAL_STAFF", Persons: 14},
				{Participant: "BODY_OPERATORS", Persons: 3, Office: "office/cremona-sportello"},
			},
		})
	})
	h.edit(t, "programme", "fami-piemonte-2021-2027", func(e *directoryv1.Entry) {
		i := e.GetProgramme().GetIndicators()[0]
		i.Target, i.Measures = 120, []*directoryv1.Measure{{Period: year, Value: 35}, {Period: "2024", Value: 5}}
	})
	h.waitTablesMatch(t, "after the changes")
	for key, want := range map[string]int64{
		"EDITIONS_HELD cremona": 1, "TRAINING_HOURS cremona": 8, "PERSONS_TRAINED TOTAL": 17,
		"OPERATORS_TRAINED cremona": 3, "ACTIVE_POINTS cremona": points,
	} {
		if got := h.table(t, "T14", "lombardia")[key]; got != want {
			t.Errorf("T14: %s is %d, want %d", key, got, want)
		}
	}
	for measure, want := range map[string]int64{"TARGET": 120, "YEAR": 35, "SO_FAR": 40} {
		key := "fami-piemonte-2021-2027 IND_OPERATORS_TRAINED " + measure
		if got := h.table(t, "T15", "piemonte")[key]; got != want {
			t.Errorf("T15: %s is %d, want %d", key, got, want)
		}
	}

	h.edit(t, "course", "formazione-cremona", func(e *directoryv1.Entry) { e.GetCourse().Editions = nil })
	h.edit(t, "programme", "fami-piemonte-2021-2027", func(e *directoryv1.Entry) {
		i := e.GetProgramme().GetIndicators()[0]
		i.Target, i.Measures = 0, nil
	})
	h.waitTablesMatch(t, "after everything was removed")
}
