package entry

import (
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// references visits every field that names an entry, with the kinds that it may name.
func references(e *directoryv1.Entry, visit func(path string, kinds []string, ref Ref)) {
	referencesIn(Content(e).ProtoReflect(), "", visit)
}

func referencesIn(m protoreflect.Message, prefix string, visit func(path string, kinds []string, ref Ref)) {
	for _, n := range namingFields(m.Descriptor()) {
		if !m.Has(n.field) {
			continue
		}
		path, v := prefix+string(n.field.Name()), m.Get(n.field)
		if !n.field.IsList() {
			n.value(path, v, visit)
			continue
		}
		for i := range v.List().Len() {
			n.value(path+"["+strconv.Itoa(i)+"]", v.List().Get(i), visit)
		}
	}
}

// naming is a field that names an entry, or holds messages that do.
type naming struct {
	field protoreflect.FieldDescriptor
	kinds []string // none: it holds messages
}

func (n naming) value(path string, v protoreflect.Value, visit func(path string, kinds []string, ref Ref)) {
	switch {
	case len(n.kinds) == 0:
		referencesIn(v.Message(), path+".", visit)
	case v.String() == "":
	case len(n.kinds) == 1 && !strings.Contains(v.String(), "/"):
		visit(path, n.kinds, NewRef(n.kinds[0], v.String()))
	default:
		visit(path, n.kinds, Ref(v.String()))
	}
}

// namingOf keeps what namingFields found: most fields name nothing, and every entry is walked on every change.
var namingOf sync.Map // protoreflect.FullName to []naming

// namingFields are the fields of a message that lead to names of entries. No message of the contract holds itself.
func namingFields(d protoreflect.MessageDescriptor) []naming {
	if known, ok := namingOf.Load(d.FullName()); ok {
		return known.([]naming)
	}
	var found []naming
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		kinds, _ := proto.GetExtension(field.Options(), directoryv1.E_Names).(string)
		if kinds != "" || field.Message() != nil && len(namingFields(field.Message())) > 0 {
			found = append(found, naming{field, strings.Fields(kinds)})
		}
	}
	namingOf.Store(d.FullName(), found)
	return found
}
