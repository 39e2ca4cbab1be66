package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// checkHours compares all hours of an office, or of one of its phones, written as "2 09:00-13:00".
func checkHours(office, phone string, want ...string) func(*testing.T, *missionEnv) {
	return func(t *testing.T, m *missionEnv) {
		t.Helper()
		resp, err := m.directory.GetOffice(callContext(t), &directoryv1.GetOfficeRequest{OfficeId: office})
		if err != nil {
			t.Fatal(err)
		}
		hours := resp.GetOffice().GetHours()
		for _, p := range resp.GetOffice().GetPhones() {
			if phone != "" && p.GetNumber() == phone {
				hours = p.GetHours()
			}
		}
		var got []string
		for _, h := range hours {
			got = append(got, fmt.Sprintf("%d %s-%s", h.GetWeekday(), h.GetOpens(), h.GetCloses()))
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("hours of %s %s are %q, want %q", office, phone, got, want)
		}
	}
}

// checkFinds checks that a search finds an office.
func checkFinds(office string, req *directoryv1.FindOfficesRequest) func(*testing.T, *missionEnv) {
	return func(t *testing.T, m *missionEnv) {
		t.Helper()
		resp, err := m.directory.FindOffices(callContext(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range resp.GetMatches() {
			if match.GetOffice().GetOfficeId() == office {
				return
			}
		}
		t.Errorf("%v does not find %s", req, office)
	}
}

// checkAccepts checks that intake accepts a report, without storing it.
func checkAccepts(node string, mutate func(*intakev1.ReportContent)) func(*testing.T, *missionEnv) {
	return func(t *testing.T, m *missionEnv) {
		t.Helper()
		req := report()
		req.RequestId, req.ValidateOnly = uuid.NewString(), true
		mutate(req.GetContent())
		if _, err := m.Intake(t, node, system("protocollo")).SubmitReport(callContext(t), req); err != nil {
			t.Error(err)
		}
	}
}

// checkMethod checks that the contract has an RPC. Other tests check what it does.
func checkMethod(name string) func(*testing.T, *missionEnv) {
	return func(t *testing.T, _ *missionEnv) {
		t.Helper()
		if !hasDescriptor(name) {
			t.Errorf("the contract has no %s", name)
		}
	}
}

// checkPrintedPage checks that the page holds what the document prints and a style for printing, and that a PDF exists.
func checkPrintedPage(t *testing.T, m *missionEnv) {
	t.Helper()
	req := &directoryv1.PrintOfficeRequest{OfficeId: "cremona-sportello"}
	page, err := m.directory.PrintOffice(callContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"<h1", "Sportello Antidiscriminazioni", "0372 407364", "09:00", "17:00", "@media print"}
	for _, want := range texts {
		if !strings.Contains(string(page.GetContent()), want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	req.Format = directoryv1.PrintFormat_PRINT_FORMAT_PDF
	pdf, err := m.directory.PrintOffice(callContext(t), req)
	isPDF := pdf.GetMediaType() == "application/pdf" && strings.HasPrefix(string(pdf.GetContent()), "%PDF-")
	if err != nil || !isPDF {
		t.Errorf("as PDF: %s, %v", pdf.GetMediaType(), err)
	}
}

// checkNoEmail checks that the office has no e-mail address, because the document gives none.
func checkNoEmail(t *testing.T, m *missionEnv) {
	t.Helper()
	req := &directoryv1.GetOfficeRequest{OfficeId: "cremona-sportello"}
	resp, err := m.directory.GetOffice(callContext(t), req)
	if err != nil || len(resp.GetOffice().GetEmails()) != 0 {
		t.Errorf("e-mails %v, %v", resp.GetOffice().GetEmails(), err)
	}
}

// checkServicesWithoutPages checks that no service has a link, because the document lists none.
func checkServicesWithoutPages(t *testing.T, m *missionEnv) {
	t.Helper()
	req := &directoryv1.GetOfficeRequest{OfficeId: "cremona-sportello"}
	resp, err := m.directory.GetOffice(callContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range resp.GetOffice().GetServices() {
		if s.GetUrl() != "" {
			t.Errorf("service %s has a page, which the document does not give", s.GetType())
		}
	}
}

// checkEightMondays checks the sessions of the discussion groups.
func checkEightMondays(t *testing.T, m *missionEnv) {
	t.Helper()
	req := &directoryv1.GetEntryRequest{Kind: "initiative", Id: "gruppi-di-confronto-2024"}
	resp, err := m.directory.GetEntry(callContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	sessions := resp.GetEntry().GetInitiative().GetSessions()
	if len(sessions) != 8 || sessions[0].GetDate() != "2024-04-08" || sessions[7].GetDate() != "2024-05-27" {
		t.Errorf("sessions are %v", sessions)
	}
	for _, s := range sessions {
		if s.GetOpens() != "14:30" || s.GetCloses() != "17:00" || s.GetTheme() != "" {
			t.Errorf("session %v", s)
		}
	}
}

// checkCalendar checks the same sessions in the calendar of Milano.
func checkCalendar(t *testing.T, m *missionEnv) {
	t.Helper()
	req := &directoryv1.GetInitiativeCalendarRequest{Node: "milano"}
	resp, err := m.directory.GetInitiativeCalendar(callContext(t), req)
	calendar := resp.GetContent()
	if err != nil || strings.Count(calendar, "BEGIN:VEVENT") != 8 ||
		!strings.Contains(calendar, "DTSTART:20240408T123000Z") {
		t.Errorf("the calendar of Milano: %v\n%s", err, calendar)
	}
}

// checkMailDeskPhone checks that a service is found by each of the three ways of access.
func checkMailDeskPhone(service string) func(*testing.T, *missionEnv) {
	return func(t *testing.T, m *missionEnv) {
		t.Helper()
		for _, mode := range []string{"MAIL", "DESK", "PHONE"} {
			req := &directoryv1.FindOfficesRequest{Territory: "015146", Service: service, AccessMode: mode}
			checkFinds("milano-casa-dei-diritti", req)(t, m)
		}
	}
}
