package entry

import (
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Name returns the name or the title of an entry.
func Name(e *directoryv1.Entry) string {
	switch content := Content(e).(type) {
	case interface{ GetName() string }:
		return content.GetName()
	case interface{ GetTitle() string }:
		return content.GetTitle()
	}
	return ""
}

// Region returns the region of an entry, or "" if it has none.
func Region(e *directoryv1.Entry) string {
	if content, ok := Content(e).(interface{ GetRegion() string }); ok {
		return content.GetRegion()
	}
	return ""
}

// ParseRef parses a reference in a field that allows one kind only. Such a field may hold the bare identifier.
func ParseRef(kind, text string) Ref {
	if strings.Contains(text, "/") {
		return Ref(text)
	}
	return NewRef(kind, text)
}
