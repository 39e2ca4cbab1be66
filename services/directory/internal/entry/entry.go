// Package entry defines the records of the directory: bodies, nodes, networks, offices, acts, initiatives, courses,
// rooms and programmes. An entry is the same protobuf message in the database, in files and on the wire. Its kind is
// the name of the oneof field of Entry that holds it, its first field is its identifier, and other entries refer to it
// as "kind/identifier".
//
// Validate guarantees that an entry obeys the contract and the code lists, refers only to entries that exist, and
// contradicts neither itself nor another entry. It reports all problems at once. The package does no input or output
// and starts no goroutines.
package entry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ref is a reference to an entry: "office/cremona-sportello".
type Ref string

// NewRef returns the reference to an entry.
func NewRef(kind, id string) Ref { return Ref(kind + "/" + id) }

// Kind returns the kind of the entry.
func (r Ref) Kind() string { kind, _, _ := strings.Cut(string(r), "/"); return kind }

// ID returns the identifier of the entry.
func (r Ref) ID() string { _, id, _ := strings.Cut(string(r), "/"); return id }

// contentFields are the fields of Entry's oneof, one for each kind.
var contentFields = (&directoryv1.Entry{}).ProtoReflect().Descriptor().Oneofs().ByName("content").Fields()

// Kinds returns all kinds, in the order of the contract.
func Kinds() []string {
	kinds := make([]string, contentFields.Len())
	for i := range kinds {
		kinds[i] = string(contentFields.Get(i).Name())
	}
	return kinds
}

// New wraps a content in its entry. It fails for a message that is not the content of an entry.
func New(content proto.Message) (*directoryv1.Entry, error) {
	m := content.ProtoReflect()
	for i := range contentFields.Len() {
		field := contentFields.Get(i)
		if field.Message().FullName() == m.Descriptor().FullName() {
			id := m.Get(m.Descriptor().Fields().ByNumber(1)).String()
			e := &directoryv1.Entry{Kind: string(field.Name()), Id: id}
			e.ProtoReflect().Set(field, protoreflect.ValueOfMessage(m))
			return e, nil
		}
	}
	return nil, fmt.Errorf("%s is not the content of an entry", m.Descriptor().FullName())
}

// newContent returns an empty content of the kind.
func newContent(kind string) (proto.Message, error) {
	field := contentFields.ByName(protoreflect.Name(kind))
	if field == nil {
		return nil, fmt.Errorf("unknown kind of entry %q: want one of %s", kind, strings.Join(Kinds(), ", "))
	}
	return new(directoryv1.Entry).ProtoReflect().NewField(field).Message().Interface(), nil
}

// Content returns the content of an entry, or nil if it has none.
func Content(e *directoryv1.Entry) proto.Message {
	field := e.ProtoReflect().WhichOneof(contentFields.Get(0).ContainingOneof())
	if field == nil {
		return nil
	}
	return e.ProtoReflect().Get(field).Message().Interface()
}

// RefOf returns the reference to an entry.
func RefOf(e *directoryv1.Entry) Ref { return NewRef(e.GetKind(), e.GetId()) }

// Marshal encodes the content of an entry as it is stored: JSON with the field names of the contract.
func Marshal(e *directoryv1.Entry) ([]byte, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(Content(e))
}

// Unmarshal decodes what Marshal encoded. It ignores unknown fields, which a newer version may have written.
func Unmarshal(kind string, stored []byte) (*directoryv1.Entry, error) {
	return parse(kind, stored, protojson.UnmarshalOptions{DiscardUnknown: true})
}

func parse(kind string, raw []byte, options protojson.UnmarshalOptions) (*directoryv1.Entry, error) {
	content, err := newContent(kind)
	if err != nil {
		return nil, err
	}
	if err := options.Unmarshal(raw, content); err != nil {
		return nil, err
	}
	return New(content)
}

// Equal reports whether two entries have the same content, whenever they were stored. Nil equals no entry.
func Equal(a, b *directoryv1.Entry) bool { return proto.Equal(Content(a), Content(b)) }

// Compare orders entries by kind, in the order of the contract, then by identifier.
func Compare(a, b *directoryv1.Entry) int {
	return cmp.Or(cmp.Compare(kindOrder(a), kindOrder(b)), cmp.Compare(a.GetId(), b.GetId()))
}

// kindOrder returns the position of the entry's kind in the contract, or -1 for an unknown kind.
func kindOrder(e *directoryv1.Entry) int {
	if field := contentFields.ByName(protoreflect.Name(e.GetKind())); field != nil {
		return field.Index()
	}
	return -1
}

// Refs returns the entries that an entry refers to, each once, in no particular order.
func Refs(e *directoryv1.Entry) []Ref {
	refs := map[Ref]bool{}
	walkReferences(e, func(_ string, _ []string, ref Ref) { refs[ref] = true })
	return slices.Collect(maps.Keys(refs))
}

// ChangedFields returns the sorted paths of the values in which two versions of an entry differ.
func ChangedFields(before, after *directoryv1.Entry) []string {
	oldValues, newValues := valuesByPath(before), valuesByPath(after)
	paths := maps.Clone(oldValues)
	maps.Copy(paths, newValues)
	var changed []string
	for path := range paths {
		oldValue, inOld := oldValues[path]
		newValue, inNew := newValues[path]
		if inOld != inNew || oldValue != newValue {
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	return changed
}

func valuesByPath(e *directoryv1.Entry) map[string]string {
	values := map[string]string{}
	walkValues(Content(e).ProtoReflect(), "", func(path string, _ protoreflect.FieldDescriptor, v protoreflect.Value) {
		values[path] = v.String()
	})
	return values
}

// visitValue is called with a value, its field and its path, such as phones[0].number.
type visitValue func(path string, field protoreflect.FieldDescriptor, v protoreflect.Value)

// walkValues visits every scalar value that is set in a message and in the messages below it.
func walkValues(m protoreflect.Message, prefix string, visit visitValue) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := prefix + string(field.Name())
		visitElement := func(path string, v protoreflect.Value) {
			if field.Message() != nil {
				walkValues(v.Message(), path+".", visit)
				return
			}
			visit(path, field, v)
		}
		if !field.IsList() {
			visitElement(path, v)
			return true
		}
		for i := range v.List().Len() {
			visitElement(fmt.Sprintf("%s[%d]", path, i), v.List().Get(i))
		}
		return true
	})
}
