package cli

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// hostile is a text that clears the screen, sets the title, starts a new line and reverses what follows.
const hostile = "x\x1b[2J\x1b]0;t\x07\u009b31m\r\n\u202eoffice\u2066\u2028\x00y"

// fill sets every field of a message, texts to hostile.
func fill(m protoreflect.Message, depth int) {
	if m.Descriptor().FullName() == "google.protobuf.Timestamp" {
		m.Set(m.Descriptor().Fields().ByName("seconds"), protoreflect.ValueOfInt64(1_790_000_000))
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch d := fields.Get(i); {
		case d.Name() == "next_page_token", d.Message() != nil && depth == 0:
		case d.IsMap():
		case d.IsList() && d.Message() != nil:
			fill(m.Mutable(d).List().AppendMutable().Message(), depth-1)
		case d.IsList():
			m.Mutable(d).List().Append(scalar(d))
		case d.Message() != nil:
			fill(m.Mutable(d).Message(), depth-1)
		default:
			m.Set(d, scalar(d))
		}
	}
}

func scalar(d protoreflect.FieldDescriptor) protoreflect.Value {
	switch d.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(hostile)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(hostile))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(false)
	default:
		return d.Default()
	}
}

// answerHostile answers every call with hostile texts.
func answerHostile(_ string, req proto.Message) (proto.Message, error) {
	if _, ok := req.(*directoryv1.GetEntryRequest); ok {
		return &directoryv1.GetEntryResponse{Entry: body("x", "\u202eoffice\u2066")}, nil
	}
	name := strings.TrimSuffix(string(req.ProtoReflect().Descriptor().FullName()), "Request") + "Response"
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	resp := t.New()
	fill(resp, 6)
	return resp.Interface(), nil
}

const (
	someID   = "0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11"
	assessID = "case assess " + someID + " --verdict V --ground G --type T --field F --author A --event-place ND " +
		"--residence ND --sensitivity S3"
)

// views are the commands that show what a service says.
var views = []string{
	"report submit --notice 2026-01", "report show --full " + someID, "report list", "report take " + someID,
	"case show --full " + someID, "case list", assessID + " --version 1", "case act " + someID + " --code C",
	"case close " + someID + " --outcome O",
	"desk find", "desk hours x", "place x", "vocabulary", "vocabulary ground", "table list", "table show T1",
	"feed status", "directory list", "directory show body/x", "directory history body/x", "directory status",
	"directory qualifications", "directory stale", "directory proposals", "directory approve x",
}

// Ensure that no text of a service reaches the terminal raw, in any view and language, and that JSON stays JSON.
func TestViews_EscapeHostileTexts(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, answerHostile)
	for _, view := range views {
		for _, flags := range []string{"", " --lang en", " -o json"} {
			out, errOut, _ := f.run(t, strings.Fields(view+flags)...)
			if out == "" || errOut != "" && view != "directory status" {
				t.Errorf("%s%s: %q, %q", view, flags, out, errOut)
			}
			checkSafe(t, view+flags, out+errOut)
			if strings.Contains(flags, "json") && view != "directory show body/x" {
				checkJSON(t, out)
			}
		}
	}
}

// Ensure that a document is escaped on a terminal, and left as it is in a file.
func TestDocuments_EscapeHostileTexts(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, answerHostile)
	for _, view := range []string{
		"directory export csv", "directory print x", "directory calendar x", "desk calendar x",
	} {
		if out, _, _ := f.run(t, strings.Fields(view)...); out != hostile {
			t.Errorf("%s to a file: %q", view, out)
		}
		terminal := f.command(t)
		terminal.terminal = true
		out, _, _ := terminal.run(t, strings.Fields(view)...)
		checkSafe(t, view, out)
	}
}

// Ensure that no text of an error reaches the terminal raw.
func TestErrors_EscapeHostileTexts(t *testing.T) {
	t.Parallel()
	st, err := status.New(codes.FailedPrecondition, hostile).WithDetails(
		&errdetails.ErrorInfo{Reason: hostile, Metadata: map[string]string{"state": hostile, hostile: hostile}},
		&errdetails.LocalizedMessage{Message: hostile},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{
			Field: hostile, Description: hostile, Reason: hostile,
			LocalizedMessage: &errdetails.LocalizedMessage{Message: hostile + "2"},
		}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) { return nil, st.Err() })
	for _, args := range []string{"desk find", "report list --lang en", "case show " + someID + " -o json"} {
		_, errOut, code := f.run(t, strings.Fields(args)...)
		if code != 1 || !strings.Contains(errOut, "office") {
			t.Errorf("%s: exit %d, %q", args, code, errOut)
		}
		checkSafe(t, args, errOut)
	}
	_, errOut, _ := f.run(t, "report", hostile)
	checkSafe(t, "unknown command", errOut)
}

func checkSafe(t *testing.T, name, text string) {
	t.Helper()
	line := strings.NewReplacer("\r\n", "", "\n", "").Replace(text)
	if render.Escape(line) != line {
		t.Errorf("%s: raw text reaches the terminal: %q", name, text)
	}
}
