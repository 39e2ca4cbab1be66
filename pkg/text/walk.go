package text

import (
	"strconv"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
)

// Visit looks at a string in a field of the message m. It returns what replaces the string, and what is wrong with it,
// without a path, or nil.
type Visit func(m protoreflect.Message, f protoreflect.FieldDescriptor, s string) (string, *fault.Field)

// Walk visits the strings of a message at any depth, in the order of the fields, and returns what is wrong with them.
// It passes over maps; the contract has none in requests.
func Walk(m protoreflect.Message, visit Visit) (found []fault.Field) {
	for _, f := range fieldsWithStrings(m.Descriptor()) {
		switch {
		case !m.Has(f):
		case f.IsList():
			list := m.Get(f).List()
			for i := range list.Len() {
				s, inside := walkValue(m, f, list.Get(i), visit)
				if s.IsValid() {
					list.Set(i, s)
				}
				found = append(found, below(f, i, inside)...)
			}
		default:
			s, inside := walkValue(m, f, m.Get(f), visit)
			if s.IsValid() {
				m.Set(f, s)
			}
			found = append(found, below(f, -1, inside)...)
		}
	}
	return found
}

// walkValue visits the string v, or those in the message v. It returns the string that replaces v, if another does.
func walkValue(
	m protoreflect.Message, f protoreflect.FieldDescriptor, v protoreflect.Value, visit Visit,
) (replacement protoreflect.Value, found []fault.Field) {
	if f.Message() != nil {
		return replacement, Walk(v.Message(), visit)
	}
	s, wrong := visit(m, f, v.String())
	if s != v.String() {
		replacement = protoreflect.ValueOfString(s)
	}
	if wrong != nil {
		found = []fault.Field{*wrong}
	}
	return replacement, found
}

// below puts a field, with the index in its list or -1, before the paths of what was found in it.
func below(f protoreflect.FieldDescriptor, index int, found []fault.Field) []fault.Field {
	for i, inside := range found {
		found[i].Path = string(f.Name())
		if index >= 0 {
			found[i].Path += "[" + strconv.Itoa(index) + "]"
		}
		if inside.Path != "" {
			found[i].Path += "." + inside.Path
		}
	}
	return found
}

// withStrings caches the fields of each message in which there are strings.
var withStrings sync.Map // protoreflect.MessageDescriptor → []protoreflect.FieldDescriptor

func fieldsWithStrings(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if cached, ok := withStrings.Load(m); ok {
		return cached.([]protoreflect.FieldDescriptor)
	}
	var fields []protoreflect.FieldDescriptor
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); holdsStrings(f, map[protoreflect.FullName]bool{}) {
			fields = append(fields, f)
		}
	}
	withStrings.Store(m, fields)
	return fields
}

// holdsStrings reports whether a field is of strings, or of messages that hold some. seen are the messages that were
// looked at already.
func holdsStrings(f protoreflect.FieldDescriptor, seen map[protoreflect.FullName]bool) bool {
	if f.IsMap() || f.Message() == nil {
		return !f.IsMap() && f.Kind() == protoreflect.StringKind
	}
	if seen[f.Message().FullName()] {
		return false
	}
	seen[f.Message().FullName()] = true
	for i := range f.Message().Fields().Len() {
		if holdsStrings(f.Message().Fields().Get(i), seen) {
			return true
		}
	}
	return false
}
