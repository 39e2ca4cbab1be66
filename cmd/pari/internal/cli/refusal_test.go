package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/pkg/fault"
)

// refusal is a network in which every call fails with an error of Pari.
func refusal(t *testing.T, err error) *fakeNetwork {
	t.Helper()
	return newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) {
		return nil, fault.ToStatus(err, nil).Err()
	})
}

// Ensure that a refusal gives the reason in brackets, the flag at fault, and a command that helps.
func TestErrors_OfServices(t *testing.T) {
	t.Parallel()
	field := func(path string, reason fault.Reason, limit string) error {
		return fault.Invalid(fault.Field{Path: path, Reason: reason, Limit: limit})
	}
	for _, c := range []struct {
		args string
		err  error
		want []string
	}{
		{submitCommand, field("content.channel", fault.UnknownCode, "channel"), []string{
			"[INVALID_REQUEST]", "--channel: ", "[UNKNOWN_CODE]", "→ pari vocabulary channel",
		}},
		{submitCommand, field("content.grounds[2]", fault.UnknownCode, "ground"), []string{"--ground: "}},
		{submitCommand, field("content.incident_place", fault.UnknownCode, "territory"), []string{
			"--place: ", "→ pari place NOME",
		}},
		{"desk find --territory X --lang en", field("territory", fault.UnknownCode, "territory"), []string{
			"--territory: ", "→ pari place NAME",
		}},
		{submitCommand, field("content.narrative", fault.TooLong, "20000"), []string{
			"--text: ", "→ correggi questi campi", "pari report submit --help",
		}},
		{"report show " + someID, field("report_id", fault.BadUUID, ""), []string{"REPORT: "}},
		{assessID, field("assessment.incident_month.year", fault.OutOfRange, ""), []string{"--month: "}},
		{"table show T9", field("table", fault.Required, ""), []string{"TABLE: "}},
		{"report show " + someID, fault.New(fault.NotFound), []string{"[NOT_FOUND]", "→ pari report list"}},
		{"case show " + someID, fault.New(fault.NotFound), []string{"→ pari case list"}},
		{"directory show body/x", fault.New(fault.NotFound), []string{"→ pari directory list"}},
		{"report take --version 1 " + someID, fault.New(fault.WrongVersion).WithMeta("current_version", "4"), []string{
			"[WRONG_VERSION]", "current_version: 4", "→ pari report show " + someID,
		}},
		{"report take --version 1 " + someID, fault.New(fault.ForbiddenMove), []string{"→ pari report show " + someID}},
		{"case close --version 1 " + someID, fault.New(fault.ForbiddenMove), []string{"→ pari case show " + someID}},
		{"case close --version 1 " + someID, fault.New(fault.NotAllowed), []string{
			"[NOT_ALLOWED]", "→ pari login --as uno di: coordinator-cremona\n",
		}},
		{"case show --full " + someID, fault.New(fault.ViewNotAllowed), []string{
			": worker-cremona, coordinator-cremona\n",
		}},
		{"report list", fault.New(fault.NotAllowed), []string{
			": operator-cremona, worker-cremona, coordinator-cremona\n",
		}},
		{"table list --lang en", fault.New(fault.NotAllowed), []string{"one of: analyst, auditor\n"}},
		{"directory approve x", fault.New(fault.NotAllowed), []string{": publisher\n"}},
		{"report list", fault.New(fault.ExpiredToken), []string{"→ pari login --as operator-cremona\n"}},
	} {
		_, errOut, code := refusal(t, c.err).run(t, strings.Fields(c.args)...)
		if code != 1 {
			t.Errorf("%s: exit %d", c.args, code)
		}
		for _, want := range c.want {
			if !strings.Contains(errOut, want) {
				t.Errorf("%s: %q is missing: %s", c.args, want, errOut)
			}
		}
	}
}

// Ensure that a field of a file keeps its name in the file.
func TestErrors_OfAFile(t *testing.T) {
	t.Parallel()
	f := refusal(t, fault.Invalid(fault.Field{Path: "content.grounds[0]", Reason: fault.UnknownCode, Limit: "ground"}))
	f.stdin = `{"channel":"DESK"}`
	_, errOut, _ := f.run(t, "report", "submit", "--file", "-")
	if !strings.Contains(errOut, "  grounds[0]: ") {
		t.Errorf("got %s", errOut)
	}
}

// Ensure that with -o json an error is JSON with the reason and the fields.
func TestErrors_AsJSON(t *testing.T) {
	t.Parallel()
	err := fault.Invalid(fault.Field{Path: "content.channel", Reason: fault.UnknownCode, Limit: "channel"})
	out, errOut, code := refusal(t, err).run(t, append(strings.Fields(submitCommand), "-o", "json", "--lang", "en")...)
	var got map[string]failure
	if err := json.Unmarshal([]byte(errOut), &got); err != nil || code != 1 || out != "" {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errOut)
	}
	e := got["error"]
	if e.Reason != "INVALID_REQUEST" || e.Code != "InvalidArgument" || e.Hint == "" || len(e.Fields) != 1 {
		t.Fatalf("got %s", errOut)
	}
	if f := e.Fields[0]; f.Name != "--channel" || f.Path != "content.channel" || f.Reason != "UNKNOWN_CODE" {
		t.Errorf("got %+v", f)
	}
}

// Ensure that a network that is down is named by the folder, in the same words for all commands, without the text of a
// library.
func TestErrors_NetworkDown(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, nil)
	f.server.Stop()
	down := "la rete non risponde (--dir " + f.dir + ")\n→ make run"
	f.writeFile(t, "authority/ca.pem", "")
	network, err := client.Load(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	network.Issuer = "https://127.0.0.1:1"
	if err := network.Save(); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"report list", "desk find", submitCommand, "login --as analyst"} {
		_, errOut, code := f.run(t, strings.Fields(args)...)
		if code != 1 || !strings.HasPrefix(errOut, down) {
			t.Errorf("%s: exit %d, %s", args, code, errOut)
		}
	}
	if files := pendingFiles(t, f); len(files) != 0 {
		t.Errorf("a request that was not sent is pending: %v", files)
	}
	if err := os.Remove(filepath.Join(f.dir, "network.json")); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"report list", "login --as analyst"} {
		_, errOut, code := f.run(t, strings.Fields(args)...)
		if code != 1 || !strings.HasPrefix(errOut, "qui non c'è una rete (--dir "+f.dir+")\n→ make run") {
			t.Errorf("%s: exit %d, %s", args, code, errOut)
		}
	}
}

// Ensure that an error of a library is not shown.
func TestErrors_WithoutAReason(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) {
		return nil, grpc.ErrServerStopped
	})
	_, errOut, code := f.run(t, "desk", "find")
	if code != 1 || strings.Contains(errOut, "grpc") || !strings.HasPrefix(errOut, "risposta inattesa del servizio") {
		t.Errorf("exit %d, %s", code, errOut)
	}
}

// Ensure that a wrong command line exits with 2, or 1 for a wrong value, in the language of --lang, and points to the
// help of the command.
func TestErrors_OfUsage(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, nil)
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"report foo", 2, []string{"comando sconosciuto: pari report foo", "→ pari report --help"}},
		{"report sho", 2, []string{"comando sconosciuto: pari report sho", "→ pari report show, "}},
		{"reprot", 2, []string{"comando sconosciuto: pari reprot", "→ pari report, "}},
		{"directory histroy --lang en", 2, []string{
			"unknown command: pari directory histroy", "→ pari directory history, ",
		}},
		{"report show", 2, []string{"il comando è: pari report show REPORT", "→ pari report show --help"}},
		{"report list x", 2, []string{"il comando è: pari report list", "→ pari report list --help"}},
		{"report list --foo", 2, []string{"opzione sbagliata", "--foo", "→ pari report list --help"}},
		{"desk find --open domani", 1, []string{"--open è un momento in Italia", "→ pari desk find --help"}},
		{"desk find --open domani --lang en", 1, []string{"--open takes a time in Italy"}},
		{"desk hours x --from domani", 1, []string{"--from è un giorno", "→ pari desk hours --help"}},
		{"report submit --channel DESK", 1, []string{"manca --notice", "→ pari report submit --help"}},
		{"report submit --file r.json --channel DESK", 1, []string{"--file e --channel si escludono"}},
		{"directory apply .", 1, []string{"manca --reason", "→ pari directory apply --help"}},
		{"case act " + someID + " --note a --note-file b", 1, []string{"--note e --note-file si escludono"}},
		{"report list --as ugo", 1, []string{"ugo non ha effettuato l'accesso", "→ pari login --as ugo"}},
		{"report list --node roma", 1, []string{"la rete non ha il nodo roma; ci sono cremona"}},
		{"desk find --copy roma --lang en", 1, []string{"the network has no node roma; there are cremona"}},
		{"login", 1, []string{"manca --as", "→ pari login --help"}},
		{"-o xml version --lang en", 1, []string{"-o takes table or json", "--help"}},
	} {
		_, errOut, code := f.run(t, strings.Fields(c.args)...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d", c.args, code, c.code)
		}
		for _, want := range c.want {
			if !strings.Contains(errOut, want) {
				t.Errorf("%s: %q is missing: %s", c.args, want, errOut)
			}
		}
	}
}

// Ensure that a note may come from a file or from standard input.
func TestNoteFile(t *testing.T) {
	t.Parallel()
	var notes []string
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		if r, ok := req.(interface{ GetNote() string }); ok {
			notes = append(notes, r.GetNote())
		}
		return answerHostile("", req)
	})
	f.stdin = "da stdin"
	file := f.writeFile(t, "note.txt", "da file")
	f.run(t, "case", "act", someID, "--version", "1", "--note-file", file)
	f.run(t, "case", "close", someID, "--version", "1", "--note-file", "-")
	if strings.Join(notes, ",") != "da file,da stdin" {
		t.Errorf("got %q", notes)
	}
}
