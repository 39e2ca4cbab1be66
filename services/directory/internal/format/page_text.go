package format

import (
	"slices"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// cleanOffice returns a copy of an office with clean texts.
func cleanOffice(office *directoryv1.Office) *directoryv1.Office {
	clean := proto.CloneOf(office)
	cleanMessage(clean.ProtoReflect())
	return clean
}

// cleanMessage cleans every text of a message. The messages of an office have no maps.
func cleanMessage(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !field.IsList() {
			m.Set(field, cleanValue(v))
			return true
		}
		for i := range v.List().Len() {
			v.List().Set(i, cleanValue(v.List().Get(i)))
		}
		return true
	})
}

// cleanValue cleans a message in place and returns it, or returns a clean text. It returns other values as they are.
func cleanValue(v protoreflect.Value) protoreflect.Value {
	switch value := v.Interface().(type) {
	case string:
		return protoreflect.ValueOfString(cleanText(value))
	case protoreflect.Message:
		cleanMessage(value)
	}
	return v
}

// cleanText drops control characters, which HTML forbids, and those that change the direction of text, which could make
// a page read differently from what it holds. A line break or a tab becomes a space, and invalid UTF-8 becomes U+FFFD.
// A blank text becomes empty, so that the page leaves it out.
func cleanText(text string) string {
	text = strings.Map(printableRune, strings.ToValidUTF8(text, "\ufffd"))
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return text
}

func printableRune(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return ' '
	case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return -1
	}
	return r
}

// mapNonZero converts all items and drops those that have nothing to show.
func mapNonZero[From any, To comparable](items []From, convert func(From) To) []To {
	var zero To
	return slices.DeleteFunc(mapSlice(items, convert), func(item To) bool { return item == zero })
}
