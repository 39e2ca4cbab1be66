package entry

import (
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Name is what people call an entry: its name or its title.
func Name(e *directoryv1.Entry) string {
	switch content := Content(e).(type) {
	case interface{ GetName() string }:
		return content.GetName()
	case interface{ GetTitle() string }:
		return content.GetTitle()
	}
	return ""
}

// Region is the region that an entry belongs to; "" for none.
func Region(e *directoryv1.Entry) string {
	if content, ok := Content(e).(interface{ GetRegion() string }); ok {
		return content.GetRegion()
	}
	return ""
}

// ParseRef is the entry that a field names which may name one kind alone: there the identifier will do.
func ParseRef(kind, written string) Ref {
	if strings.Contains(written, "/") {
		return Ref(written)
	}
	return NewRef(kind, written)
}
