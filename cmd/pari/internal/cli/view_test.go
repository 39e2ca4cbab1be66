package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

const reportNumber, caseNumber = "CR-2026-K7Q4M-V", "CR-C-2026-7XH3P-P"

// sampleReport was received on the evening of the 23rd in UTC, in the first minutes of the 24th in Italy. Of an
// anonymous one only the day is known, as its begin in Italy.
func sampleReport(anonymous bool) *intakev1.Report {
	day := timestamppb.New(time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC))
	var exact *timestamppb.Timestamp
	if !anonymous {
		exact = timestamppb.New(time.Date(2026, 11, 23, 23, 10, 0, 0, time.UTC))
	}
	taken := timestamppb.New(time.Date(2026, 11, 24, 9, 5, 0, 0, time.UTC))
	return &intakev1.Report{
		ReportId: someID, Number: reportNumber, ReceivedAt: day, ExactReceivedAt: exact, Version: 1,
		State: intakev1.ReportState_REPORT_STATE_RECEIVED,
		Content: &intakev1.ReportContent{
			Channel: "DESK", ReporterRole: "VICTIM", Anonymous: anonymous, Grounds: []string{"SEX", "AGE"},
			Wish: "HELP", IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 3}, IncidentPlace: "019036",
			Narrative: "uno\ndue",
			Contact:   &intakev1.Contact{Name: "Anna", Phone: "0372", Email: "a@b.it", SafeContact: "mattina"},
			Language:  "pa", Urgent: true, NoticeVersion: "2026-01",
			Consents: []*intakev1.Consent{{Code: "CONTACT", Status: "GIVEN"}},
		},
		History: []*recordv1.HistoryEntry{
			{Version: 1, At: day, What: "SUBMITTED"}, {Version: 2, At: taken, What: "TAKING_IN_CHARGE"},
		},
	}
}

// serveRecords is a node with one report and one case, and the directory with some labels.
func serveRecords(report *intakev1.Report, labels bool) handler {
	theCase := &casemanagementv1.Case{
		CaseId: someID, Number: caseNumber, Version: 2, OpenedAt: report.GetReceivedAt(),
		Assessment: &casemanagementv1.Assessment{
			Verdict: "PERTINENT", Grounds: []string{"SEX"}, MainGround: "SEX", Field: "HOUSING", EventPlace: "019036",
		},
	}
	return func(_ string, req proto.Message) (proto.Message, error) {
		switch r := req.(type) {
		case *intakev1.GetReportRequest:
			return &intakev1.GetReportResponse{Report: report}, nil
		case *intakev1.ListReportsRequest:
			resp := &intakev1.ListReportsResponse{}
			if r.GetNumber() == "" || r.GetNumber() == reportNumber {
				resp.Reports = append(resp.Reports, report)
			}
			return resp, nil
		case *intakev1.TakeInChargeRequest:
			taken := &intakev1.Report{CaseNumber: caseNumber, CaseId: r.GetReportId()}
			return &intakev1.TakeInChargeResponse{Report: taken}, nil
		case *casemanagementv1.GetCaseRequest:
			return &casemanagementv1.GetCaseResponse{Case: theCase}, nil
		case *casemanagementv1.ListCasesRequest:
			resp := &casemanagementv1.ListCasesResponse{}
			if r.GetNumber() == "" || r.GetNumber() == caseNumber {
				resp.Cases = append(resp.Cases, theCase)
			}
			return resp, nil
		case *casemanagementv1.AssessRequest:
			return &casemanagementv1.AssessResponse{Case: theCase}, nil
		case *casemanagementv1.RecordActionRequest:
			return &casemanagementv1.RecordActionResponse{Case: theCase}, nil
		case *casemanagementv1.CloseCaseRequest:
			return &casemanagementv1.CloseCaseResponse{Case: theCase}, nil
		case *directoryv1.ListVocabulariesRequest:
			if labels {
				return &directoryv1.ListVocabulariesResponse{Vocabularies: someLabels()}, nil
			}
		case *directoryv1.GetTerritoryRequest:
			return &directoryv1.GetTerritoryResponse{
				Territory: &directoryv1.Territory{Code: r.GetCode(), Name: "Cremona"},
			}, nil
		}
		return nil, nil
	}
}

func someLabels() (all []*vocabularyv1.Vocabulary) {
	for list, term := range map[string][3]string{
		"channel": {"DESK", "Sportello", "Desk"}, "ground": {"SEX", "Sesso", "Sex"},
		"consent": {"CONTACT", "Contatto", "Contact"}, "consent_status": {"GIVEN", "Dato", "Given"},
		"wish": {"HELP", "Aiuto", "Help"}, "field": {"HOUSING", "Casa", "Housing"},
	} {
		all = append(all, &vocabularyv1.Vocabulary{Name: list, Terms: []*vocabularyv1.Term{
			{Code: term[0], LabelIt: term[1], LabelEn: term[2]},
		}})
	}
	return all
}

// Ensure that a report is shown whole, with the labels of its codes, and times in Italy whatever the zone of the host.
func TestReportShow(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, serveRecords(sampleReport(false), true))
	out, errOut, code := f.run(t, "report", "show", "--full", someID)
	if code != 0 {
		t.Fatalf("exit %d, %s", code, errOut)
	}
	got := words(out)
	for _, want := range []string{
		"ricevuta 2026-11-24 00:10", "urgente sì", "canale Sportello (DESK)", "chi segnala VICTIM", "anonima no",
		"fattori Sesso (SEX), AGE", "richiesta Aiuto (HELP)", "luogo Cremona (019036)", "lingua pa",
		"informativa 2026-01", "consenso Contatto (CONTACT) Dato (GIVEN)", "data del fatto 2026-03", "racconto uno",
		"due", "nome Anna", "telefono 0372", "e-mail a@b.it", "come contattarla mattina",
		"v1 2026-11-24 SUBMITTED", "v2 2026-11-24 10:05 TAKING_IN_CHARGE",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is missing: %q", want, got)
		}
	}
}

var timeOfDay = regexp.MustCompile(`\d\d:\d\d`)

// Ensure that without the exact time the day alone is shown, not its midnight.
func TestReportShow_Basic(t *testing.T) {
	t.Parallel()
	report := sampleReport(false)
	report.ExactReceivedAt, report.History = nil, report.GetHistory()[:1]
	f := newFakeNetwork(t, serveRecords(report, true))
	for _, args := range []string{"report show " + someID, "report list"} {
		out, _, code := f.run(t, strings.Fields(args)...)
		if code != 0 || !strings.Contains(out, "2026-11-24") || timeOfDay.MatchString(out) {
			t.Errorf("%s: exit %d, %s", args, code, out)
		}
	}
}

// Ensure that of an anonymous report only the day is shown.
func TestReportShow_Anonymous(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, serveRecords(sampleReport(true), true))
	for _, args := range []string{"report show " + someID, "report list"} {
		out, _, code := f.run(t, strings.Fields(args)...)
		if code != 0 || !strings.Contains(out, "2026-11-24") || timeOfDay.MatchString(out) {
			t.Errorf("%s: exit %d, %s", args, code, out)
		}
	}
}

// Ensure that a view shows codes where the directory does not answer, and that JSON has codes only.
func TestViews_WithoutLabels(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, serveRecords(sampleReport(false), false))
	if out, _, code := f.run(t, "report", "show", someID); code != 0 || !slices.Contains(words(out), "canale DESK") {
		t.Errorf("exit %d, %s", code, out)
	}
	f = newFakeNetwork(t, serveRecords(sampleReport(false), true))
	out, _, _ := f.run(t, "report", "show", someID, "-o", "json")
	if checkJSON(t, out); strings.Contains(out, "Sportello") || f.called("ListVocabularies") != 0 {
		t.Errorf("got %s", out)
	}
}

// Ensure that lists show the date, the urgency and labels.
func TestLists(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, serveRecords(sampleReport(false), true))
	for args, want := range map[string]string{
		"report list --lang en": "CR-2026-K7Q4M-V 2026-11-24 yes RECEIVED Sex (SEX), AGE Desk (DESK) " + someID,
		"case list":             "CR-C-2026-7XH3P-P 2026-11-24 UNSPECIFIED Sesso (SEX) Casa (HOUSING) " + someID,
	} {
		out, _, code := f.run(t, strings.Fields(args)...)
		if code != 0 || !slices.Contains(words(out), want) {
			t.Errorf("%s: exit %d, %q", args, code, words(out))
		}
	}
}

// Ensure that commands take the number that people have as well as the identifier.
func TestNumbers(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, serveRecords(sampleReport(false), true))
	for _, command := range []string{
		"report show NUMBER", "report take NUMBER", "case show NUMBER",
		strings.Replace(assessID, someID, "NUMBER --version 2", 1),
		"case act NUMBER --code LETTER", "case close NUMBER --outcome APOLOGY",
	} {
		numbers := []string{reportNumber, "cr-2026-k7q4m-v"}
		if strings.HasPrefix(command, "case") {
			numbers = []string{caseNumber, "cr-c-2026-7xh3p-p"}
		}
		for _, number := range numbers {
			out, errOut, code := f.run(t, strings.Fields(strings.Replace(command, "NUMBER", number, 1))...)
			if code != 0 || !strings.Contains(out, "CR-") {
				t.Errorf("%s: exit %d, %s%s", command, code, out, errOut)
			}
		}
		_, errOut, code := f.run(t, strings.Fields(strings.Replace(command, "NUMBER", "CR-2026-10ABC-B", 1))...)
		known := strings.Contains(errOut, "il numero CR-2026-10ABC-B") && strings.Contains(errOut, "→ pari report")
		if code != 1 || !known {
			t.Errorf("%s of no number: exit %d, %s", command, code, errOut)
		}
	}
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"CR-2026-K7Q4M-V": "CR-2026-K7Q4M-V", " cr-2026-ioabc-b ": "CR-2026-10ABC-B",
		"CN-C-2026-0A1B2-F": "CN-C-2026-0A1B2-F", someID: "",
	} {
		if got, ok, err := parseNumber(name); got != want || ok != (want != "") || err != nil {
			t.Errorf("%q: got %q, %t, %v", name, got, ok, err)
		}
	}
	for _, name := range []string{"CR-2026-K7Q4M-X", "42", "", "CR-2026-000042", "CR-2026-"} {
		if _, _, err := parseNumber(name); err == nil || !strings.Contains(err.Error(), "CR-2026-K7Q4M-V") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// words returns the lines of a text, with single spaces.
func words(text string) (lines []string) {
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}
