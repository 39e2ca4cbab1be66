package cli

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// Ensure that a file may begin with the mark of UTF-8, and that one in another encoding is refused with its line.
func TestInput_Encoding(t *testing.T) {
	t.Parallel()
	var sent []*intakev1.ReportContent
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		if r, ok := req.(*intakev1.SubmitReportRequest); ok {
			sent = append(sent, r.GetContent())
		}
		return answerHostile("", req)
	})
	for _, c := range []struct{ text, it, en string }{
		{"\xef\xbb\xbf{\"channel\":\"DESK\",\"narrative\":\"perché\"}", "", ""},
		{"\xff\xfe{\x00}\x00", "è in UTF-16: salvalo in UTF-8", "is in UTF-16: save it as UTF-8"},
		{"\xfe\xff\x00{\x00}", "è in UTF-16", "is in UTF-16"},
		{"{\n\"narrative\":\"perch\xe9\"}", "riga 2: non è UTF-8", "line 2: not UTF-8"},
		{"{\n\"narrative\":\"\ufffd\n\xe9\"}", "riga 3: non è UTF-8", "line 3: not UTF-8"},
		{strings.Repeat(" ", maxInput) + "{}", "più di 1 MiB", "more than 1 MiB"},
	} {
		file := f.writeFile(t, "report.json", c.text)
		f.stdin = c.text
		for lang, want := range map[string]string{"it": c.it, "en": c.en} {
			for _, name := range []string{file, "-"} {
				_, errOut, code := f.run(t, "report", "submit", "--file", name, "--lang", lang)
				if (code != 0) != (want != "") || !strings.Contains(errOut, want) {
					t.Errorf("%.20q: exit %d, %s", c.text, code, errOut)
				}
			}
		}
		f.writeFile(t, "files/body/x.yaml", c.text)
		_, errOut, _ := f.run(t, "directory", "diff", f.dir+"/files")
		if strings.Contains(c.it, "UTF") && !strings.Contains(errOut, c.it) {
			t.Errorf("a file of an entry: %s", errOut)
		}
	}
	if len(sent) != 4 || sent[0].GetNarrative() != "perché" {
		t.Errorf("sent %v", sent)
	}
}

// Ensure that a mistake in a JSON file is named by its line and the path of the field.
func TestInput_JSONMistakes(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, nil)
	for text, want := range map[string]string{
		"{\n\"chanel\": \"DESK\"}":                                       "standard input, line 2: there is no field",
		`{"contact": {"è": "è", "name": 1}}`:                             "line 1: there is no field contact.è;",
		`{"contact": {"email": "è", "name": 1}}`:                         "the field contact.name cannot have",
		`{"consents": [{"code": "A"}, {"code": "A", "statu": "B"}]}`:     "there is no field consents[1].statu;",
		`{"consents": [{"code": "A"}, {"code": ["A"]}]}`:                 "the field consents[1].code cannot",
		`{"consents": [{"code": "A"}, 7]}`:                               "the field consents[1] cannot",
		`{"grounds": ["A", {"b": [1, 2]}]}`:                              "the field grounds[1] cannot",
		"{\"grounds\": [\"A\"],\n \"incident_date\": {\"year\": \"x\"}}": "line 2: the field incident_date.year cannot",
		`{"channel": "A", "channel": "B"}`:                               "the field channel is there twice",
		"{\n\"channel\": \"DESK\",\n}":                                   "line 3: not JSON",
		`{"channel": "DESK"`:                                             "line 1: not JSON",
		"":                                                               "line 1: not JSON",
		`{} {}`:                                                          "line 1: not JSON",
		`[1]`:                                                            "is not a report in JSON",
		`"x"`:                                                            "is not a report in JSON",
	} {
		f.stdin = text
		_, errOut, code := f.run(t, "report", "submit", "--file", "-", "--lang", "en")
		if code != 1 || !strings.Contains(errOut, want) || strings.Contains(errOut, "proto:") {
			t.Errorf("%s: exit %d, %s", text, code, errOut)
		}
	}
	f.stdin = `{"contact": {"nome": "Anna"}}`
	_, errOut, _ := f.run(t, "report", "submit", "--file", "-")
	if !strings.Contains(errOut, "il campo contact.nome non c'è") {
		t.Errorf("got %s", errOut)
	}
}
