package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/text"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// Ensure free text is mended: what it says stays, and what programs stumble over goes.
func TestFree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "Al bar non ci hanno serviti.", "Al bar non ci hanno serviti."},
		{"line breaks of Windows", "uno\r\ndue\r\n\r\ntre", "uno\ndue\n\ntre"},
		{"line breaks of old systems", "uno\rdue\vtre\fquattro\u0085cinque\u2028sei\u2029sette",
			"uno\ndue\ntre\nquattro\ncinque\nsei\nsette"},
		{"tabs", "uno\tdue", "uno\tdue"},
		{"NUL", "a\x00b", "ab"},
		{"terminal colours", "\x1b[31mrosso\x1b[0m", "[31mrosso[0m"},
		{"DEL and C1", "a\x7fb\u009fc", "abc"},
		{"decomposed accents", "perche\u0301", "perché"},
		{"accents parted by a control character", "perche\x00\u0301", "perché"},
		{"right-to-left override", "a\u202egpj.exe\u202c", "agpj.exe"},
		{"isolates", "\u2066ab\u2069", "ab"},
		{"byte order mark", "\ufeffab\ufeff", "ab"},
		{"noncharacters", "a\ufffeb\U0001fffeb\ufdd0", "abb"},
		{"blanks at the ends", " \n\t\u00a0uno due \u3000\n", "uno due"},
		{"only blanks", " \r\n\t", ""},
		{"joined emoji", "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"},
		{"direction marks and joiners", "می\u200cخواهم \u200fa", "می\u200cخواهم \u200fa"},
		{"invalid UTF-8", "a\xffb", "a\ufffdb"},
		{"lone combining mark", "\u0301", "\u0301"},
	} {
		if got := text.Free(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzFree ensures that mended text stays as it is when it is mended again, that it is valid UTF-8 in NFC, and that it
// holds no character that a line must not contain, except line feeds and tabs.
func FuzzFree(f *testing.F) {
	for _, s := range []string{
		"", "a\r\n\x00b", "e\x00\u0301", " \u0301", "\xff\xfe", "\u202e\u2028", strings.Repeat("\u0301", 100),
		"\u0340\u0f73\u2126\u1100\u1161\U0001d160", "\u2000\u2001 a",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Free(s)
		if again := text.Free(got); again != got {
			t.Errorf("mended once %q, twice %q", got, again)
		}
		if !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) || strings.TrimFunc(got, unicode.IsSpace) != got {
			t.Errorf("%q is not mended", got)
		}
		oneLine := strings.NewReplacer("\n", "", "\t", "").Replace(got)
		fields := text.Violations(&directoryv1.Body{Name: oneLine})
		if len(fields) > 0 {
			t.Errorf("%q: %v", got, fields)
		}
	})
}

// Ensure a message is mended at any depth: free text as such, other strings only composed.
func TestNormalize(t *testing.T) {
	t.Parallel()
	office := func(description, name, role, reason string) *directoryv1.ProposeChangesRequest {
		return &directoryv1.ProposeChangesRequest{
			Entries: []*directoryv1.Entry{{Content: &directoryv1.Entry_Office{Office: &directoryv1.Office{
				Name: name, Description: description, NetworkRoles: []string{role},
			}}}},
			Reason: reason,
		}
	}
	got := office("uno\r\ndue\x00 ", "Citta\u0300 \r\n", "\u0065\u0301\x00", "\tperche\u0301\n")
	text.Normalize(got)
	if diff := cmp.Diff(office("uno\ndue", "Città \r\n", "é\x00", "perché"), got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// Ensure lines and dates are refused for what they must not contain, with the path of the field, and free text never.
func TestViolations(t *testing.T) {
	t.Parallel()
	bad := func(path string) []fault.Field { return []fault.Field{{Path: path, Reason: fault.BadFormat}} }
	impossible := func(path string) []fault.Field {
		return []fault.Field{{Path: path, Reason: fault.ImpossibleDate}}
	}
	provenance, links := &directoryv1.Provenance{Source: "\r"}, []*directoryv1.Link{{Title: "\n"}}
	effective := func(day string) proto.Message { return &directoryv1.ProposeChangesRequest{EffectiveOn: day} }
	from := func(day string) proto.Message { return &directoryv1.Hosting{From: day} }
	for name, c := range map[string]struct {
		message proto.Message
		want    []fault.Field
	}{
		"line":                    {&directoryv1.Body{Name: "Città di Cremona – \"x\" ' ; -- ../ %00 👨\u200d👩"}, nil},
		"NUL":                     {&directoryv1.Body{Name: "a\x00"}, bad("name")},
		"tab":                     {&directoryv1.Body{Name: "a\tb"}, bad("name")},
		"line break":              {&directoryv1.Body{Name: "a\nb"}, bad("name")},
		"escape":                  {&directoryv1.Body{Name: "\x1b[31m"}, bad("name")},
		"line separator":          {&directoryv1.Body{Name: "a\u2028b"}, bad("name")},
		"right-to-left override":  {&directoryv1.Body{Name: "a\u202eb"}, bad("name")},
		"byte order mark":         {&directoryv1.Body{Name: "\ufeffa"}, bad("name")},
		"noncharacter":            {&directoryv1.Body{Name: "a\uffff"}, bad("name")},
		"item of a list":          {&directoryv1.Office{NetworkRoles: []string{"a", "\x00"}}, bad("network_roles[1]")},
		"inside a list":           {&directoryv1.Body{Links: links}, bad("links[0].title")},
		"inside a message":        {&directoryv1.Room{Provenance: provenance}, bad("provenance.source")},
		"free text":               {&intakev1.ReportContent{Narrative: "a\tb\nc"}, nil},
		"leap day":                {effective("2028-02-29"), nil},
		"no date":                 {effective(""), nil},
		"29 February":             {effective("2027-02-29"), impossible("effective_on")},
		"year 0":                  {effective("0000-01-01"), impossible("effective_on")},
		"zeros":                   {effective("0000-00-00"), impossible("effective_on")},
		"month 13":                {effective("2027-13-01"), impossible("effective_on")},
		"left to the pattern":     {effective("99999-01-01"), nil},
		"year 1":                  {effective("0001-01-01"), nil},
		"month":                   {from("2027-12"), nil},
		"impossible month":        {from("2027-13"), impossible("from")},
		"year":                    {from("2027"), nil},
		"impossible year":         {from("0000"), impossible("from")},
		"date with a line break":  {effective("2027-02-28\n"), bad("effective_on")},
		"day of a partial date":   {from("2027-02-29"), impossible("from")},
		"message without strings": {&directoryv1.GetDirectoryStatusRequest{}, nil},
	} {
		if diff := cmp.Diff(c.want, text.Violations(c.message)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
