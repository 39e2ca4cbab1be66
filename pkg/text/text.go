// Package text mends and checks the strings of messages by the kinds that the contract gives them:
// (pari.text.v1.kind). It promises that free text can be stored, sorted and shown by every program, that it is never
// refused for its characters, and that all other strings hold one line. It says nothing about lengths and codes.
package text

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
	textv1 "github.com/retepari/pari/proto/gen/pari/text/v1"
)

// kinds caches the kind of each field: reading options is slow.
var kinds sync.Map // protoreflect.FieldDescriptor → textv1.Kind

func kindOf(f protoreflect.FieldDescriptor) textv1.Kind {
	if cached, ok := kinds.Load(f); ok {
		return cached.(textv1.Kind)
	}
	kind, _ := proto.GetExtension(f.Options(), textv1.E_Kind).(textv1.Kind)
	kinds.Store(f, kind)
	return kind
}

// Normalize mends the strings of a message in place: free text as Free does it; all others are only composed to NFC.
func Normalize(m proto.Message) {
	Walk(m.ProtoReflect(),
		func(_ protoreflect.Message, f protoreflect.FieldDescriptor, s string) (string, *fault.Field) {
			if kindOf(f) == textv1.Kind_KIND_FREE {
				return Free(s), nil
			}
			return norm.NFC.String(s), nil
		})
}

// Violations returns the fields of a message that hold what their kind forbids. It expects a message that Normalize
// has mended.
func Violations(m proto.Message) []fault.Field {
	return Walk(m.ProtoReflect(),
		func(_ protoreflect.Message, f protoreflect.FieldDescriptor, s string) (string, *fault.Field) {
			if reason := check(kindOf(f), s); reason != "" {
				return s, &fault.Field{Reason: reason}
			}
			return s, nil
		})
}

func check(kind textv1.Kind, s string) fault.Reason {
	switch {
	case kind == textv1.Kind_KIND_FREE:
	case strings.ContainsFunc(s, isForbidden):
		return fault.BadFormat
	case kind == textv1.Kind_KIND_DATE && isImpossible(s):
		return fault.ImpossibleDate
	}
	return ""
}

// lineBreaks turns every line break, also the soft breaks and page breaks of word processors, into LF.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n",
	"\u2028", "\n", "\u2029", "\n")

// Free returns free text as it is stored: line breaks are LF, tabs stay, other characters that a line must not contain
// are gone, the text is valid UTF-8 in NFC, and no blanks are at its ends. Free(Free(s)) is Free(s).
func Free(s string) string {
	if strings.ContainsFunc(s, isMended) { // also invalid UTF-8, which is read as U+FFFD
		s = lineBreaks.Replace(strings.ToValidUTF8(s, "\ufffd"))
		s = strings.Map(func(r rune) rune {
			if r != '\n' && r != '\t' && isForbidden(r) {
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimFunc(norm.NFC.String(s), unicode.IsSpace)
}

// isMended reports whether Free looks at a character more closely.
func isMended(r rune) bool {
	return r != '\n' && r != '\t' && isForbidden(r) || r == utf8.RuneError
}

// isForbidden reports whether a line must not contain a character: it is a control character or a line break, changes
// the direction in which other characters are shown, or is no character at all.
func isForbidden(r rune) bool {
	if ' ' <= r && r <= '~' || 0xa0 <= r && r < 0x2028 { // nearly all
		return false
	}
	return unicode.Is(forbidden, r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// forbidden are line separators, embeddings, overrides and isolates of the writing direction, and the byte order mark.
var forbidden = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x2028, Hi: 0x2029, Stride: 1}, {Lo: 0x202a, Hi: 0x202e, Stride: 1}, {Lo: 0x2066, Hi: 0x2069, Stride: 1},
	{Lo: 0xfeff, Hi: 0xfeff, Stride: 1},
}}
