package entry

import (
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// walkReferences visits every field that names an entry, with the kinds that it may name.
func walkReferences(e *directoryv1.Entry, visit func(path string, kinds []string, ref Ref)) {
	walkMessageReferences(Content(e).ProtoReflect(), "", visit)
}

func walkMessageReferences(m protoreflect.Message, prefix string, visit func(path string, kinds []string, ref Ref)) {
	for _, n := range referenceFields(m.Descriptor()) {
		if !m.Has(n.field) {
			continue
		}
		path, v := prefix+string(n.field.Name()), m.Get(n.field)
		if !n.field.IsList() {
			n.visit(path, v, visit)
			continue
		}
		for i := range v.List().Len() {
			n.visit(path+"["+strconv.Itoa(i)+"]", v.List().Get(i), visit)
		}
	}
}

// referenceField is a field that names an entry, or holds messages that do.
type referenceField struct {
	field protoreflect.FieldDescriptor
	kinds []string // none: it holds messages
}

func (n referenceField) visit(path string, v protoreflect.Value, visit func(path string, kinds []string, ref Ref)) {
	switch {
	case len(n.kinds) == 0:
		walkMessageReferences(v.Message(), path+".", visit)
	case v.String() == "":
	case len(n.kinds) == 1 && !strings.Contains(v.String(), "/"):
		visit(path, n.kinds, NewRef(n.kinds[0], v.String()))
	default:
		visit(path, n.kinds, Ref(v.String()))
	}
}

// referenceFieldCache keeps what namingFields found: most fields name nothing, and every entry is walked on every change.
var referenceFieldCache sync.Map // protoreflect.FullName to []naming

// referenceFields are the fields of a message that lead to names of entries. No message of the contract holds itself.
func referenceFields(d protoreflect.MessageDescriptor) []referenceField {
	if known, ok := referenceFieldCache.Load(d.FullName()); ok {
		return known.([]referenceField)
	}
	var found []referenceField
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		kinds, _ := proto.GetExtension(field.Options(), directoryv1.E_Names).(string)
		if kinds != "" || field.Message() != nil && len(referenceFields(field.Message())) > 0 {
			found = append(found, referenceField{field, strings.Fields(kinds)})
		}
	}
	referenceFieldCache.Store(d.FullName(), found)
	return found
}
