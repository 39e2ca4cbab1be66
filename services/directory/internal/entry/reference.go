package entry

import (
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// visitReference is called with a reference, its path and the kinds that its field allows.
type visitReference func(path string, kinds []string, ref Ref)

// walkReferences visits every reference to an entry in the content of an entry.
func walkReferences(e *directoryv1.Entry, visit visitReference) {
	walkMessageReferences(Content(e).ProtoReflect(), "", visit)
}

func walkMessageReferences(m protoreflect.Message, prefix string, visit visitReference) {
	for _, f := range referenceFields(m.Descriptor()) {
		if !m.Has(f.field) {
			continue
		}
		path, v := prefix+string(f.field.Name()), m.Get(f.field)
		if !f.field.IsList() {
			f.visit(path, v, visit)
			continue
		}
		for i := range v.List().Len() {
			f.visit(path+"["+strconv.Itoa(i)+"]", v.List().Get(i), visit)
		}
	}
}

// referenceField is a field that refers to an entry, or holds messages that do.
type referenceField struct {
	field protoreflect.FieldDescriptor
	kinds []string // the kinds it may refer to; empty for a field that holds messages
}

func (f referenceField) visit(path string, v protoreflect.Value, visit visitReference) {
	switch {
	case len(f.kinds) == 0:
		walkMessageReferences(v.Message(), path+".", visit)
	case v.String() == "":
	case len(f.kinds) == 1 && !strings.Contains(v.String(), "/"):
		visit(path, f.kinds, NewRef(f.kinds[0], v.String()))
	default:
		visit(path, f.kinds, Ref(v.String()))
	}
}

// referenceFieldCache caches referenceFields. Every change walks every entry, and few fields hold references.
var referenceFieldCache sync.Map // protoreflect.FullName to []referenceField

// referenceFields returns the fields of a message that lead to references. The recursion ends because no message of the
// contract contains itself.
func referenceFields(d protoreflect.MessageDescriptor) []referenceField {
	if cached, ok := referenceFieldCache.Load(d.FullName()); ok {
		return cached.([]referenceField)
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
