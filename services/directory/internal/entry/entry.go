// Package entry is what the directory holds: bodies, nodes, networks, offices, acts, initiatives, courses, rooms, programmes.
// An entry is a message of the contract, in the database, in files and on the wire alike; its kind is the field of Entry that
// holds it, its first field is its identifier, and "kind/identifier" is how another entry names it.
//
// Validate promises: what passes obeys the contract and the code lists, names only entries that exist, and does not contradict
// itself or another entry. All that is wrong is told at once.
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

// Ref names an entry: "office/cremona-sportello".
type Ref string

// NewRef returns the name of an entry.
func NewRef(kind, id string) Ref { return Ref(kind + "/" + id) }

// Kind is the kind of the entry that is named, ID its identifier.
func (r Ref) Kind() string { kind, _, _ := strings.Cut(string(r), "/"); return kind }

// ID is the identifier of the entry that is named.
func (r Ref) ID() string { _, id, _ := strings.Cut(string(r), "/"); return id }

// contentFields is where an Entry holds what it says, one field per kind.
var contentFields = (&directoryv1.Entry{}).ProtoReflect().Descriptor().Oneofs().ByName("content").Fields()

// Kinds are all kinds, in the order of the contract.
func Kinds() []string {
	kinds := make([]string, contentFields.Len())
	for i := range kinds {
		kinds[i] = string(contentFields.Get(i).Name())
	}
	return kinds
}

// New returns the entry that says this, or an error for a message that is no content of an entry.
func New(content proto.Message) (*directoryv1.Entry, error) {
	m := content.ProtoReflect()
	for i := range contentFields.Len() {
		field := contentFields.Get(i)
		if field.Message().FullName() == m.Descriptor().FullName() {
			e := &directoryv1.Entry{Kind: string(field.Name()), Id: m.Get(m.Descriptor().Fields().ByNumber(1)).String()}
			e.ProtoReflect().Set(field, protoreflect.ValueOfMessage(m))
			return e, nil
		}
	}
	return nil, fmt.Errorf("%s is no content of an entry", m.Descriptor().FullName())
}

// newContent returns an empty content of a kind.
func newContent(kind string) (proto.Message, error) {
	field := contentFields.ByName(protoreflect.Name(kind))
	if field == nil {
		return nil, fmt.Errorf("%q is no kind of entry; there are %s", kind, strings.Join(Kinds(), ", "))
	}
	return new(directoryv1.Entry).ProtoReflect().NewField(field).Message().Interface(), nil
}

// Content is what an entry says; nil when it says nothing.
func Content(e *directoryv1.Entry) proto.Message {
	field := e.ProtoReflect().WhichOneof(contentFields.Get(0).ContainingOneof())
	if field == nil {
		return nil
	}
	return e.ProtoReflect().Get(field).Message().Interface()
}

// RefOf is the name of an entry.
func RefOf(e *directoryv1.Entry) Ref { return NewRef(e.GetKind(), e.GetId()) }

// Marshal writes what an entry says as it is stored.
func Marshal(e *directoryv1.Entry) ([]byte, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(Content(e))
}

// Unmarshal reads what Marshal wrote. A field that this program does not know yet is passed over: a newer one wrote it.
func Unmarshal(kind string, stored []byte) (*directoryv1.Entry, error) {
	return parse(kind, stored, protojson.UnmarshalOptions{DiscardUnknown: true})
}

func parse(kind string, written []byte, how protojson.UnmarshalOptions) (*directoryv1.Entry, error) {
	content, err := newContent(kind)
	if err != nil {
		return nil, err
	}
	if err := how.Unmarshal(written, content); err != nil {
		return nil, err
	}
	return New(content)
}

// Equal tells whether two entries say the same, whenever they were stored.
func Equal(a, b *directoryv1.Entry) bool { return proto.Equal(Content(a), Content(b)) }

// Compare orders entries by kind, in the order of the contract, and identifier.
func Compare(a, b *directoryv1.Entry) int {
	return cmp.Or(cmp.Compare(kindOrder(a), kindOrder(b)), cmp.Compare(a.GetId(), b.GetId()))
}

func kindOrder(e *directoryv1.Entry) int {
	if field := contentFields.ByName(protoreflect.Name(e.GetKind())); field != nil {
		return field.Index()
	}
	return -1
}

// Refs are the entries that an entry names, each once, in no order.
func Refs(e *directoryv1.Entry) []Ref {
	refs := map[Ref]bool{}
	walkReferences(e, func(_ string, _ []string, ref Ref) { refs[ref] = true })
	return slices.Collect(maps.Keys(refs))
}

// ChangedFields are the paths of the values in which two states of an entry differ, in order.
func ChangedFields(before, after *directoryv1.Entry) []string {
	values := func(e *directoryv1.Entry) map[string]string {
		all := map[string]string{}
		walkValues(Content(e).ProtoReflect(), "", func(path string, _ protoreflect.FieldDescriptor, v protoreflect.Value) { all[path] = v.String() })
		return all
	}
	old, now := values(before), values(after)
	var changed []string
	for path := range maps.Keys(union(old, now)) {
		was, there := old[path]
		is, still := now[path]
		if there != still || was != is {
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	return changed
}

func union(a, b map[string]string) map[string]string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// walkValues visits every value that is given, down to those that hold no others, with its path: phones[0].number.
func walkValues(m protoreflect.Message, prefix string, visit func(path string, field protoreflect.FieldDescriptor, v protoreflect.Value)) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := prefix + string(field.Name())
		one := func(path string, v protoreflect.Value) {
			if field.Message() != nil {
				walkValues(v.Message(), path+".", visit)
				return
			}
			visit(path, field, v)
		}
		if !field.IsList() {
			one(path, v)
			return true
		}
		for i := range v.List().Len() {
			one(fmt.Sprintf("%s[%d]", path, i), v.List().Get(i))
		}
		return true
	})
}
