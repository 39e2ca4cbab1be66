package text

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	textv1 "github.com/retepari/pari/proto/gen/pari/text/v1"
)

// kinds caches the kind of each field: reading options is slow.
var kinds sync.Map // protoreflect.FullName → textv1.Kind

func kindOf(f protoreflect.FieldDescriptor) textv1.Kind {
	if cached, ok := kinds.Load(f.FullName()); ok {
		return cached.(textv1.Kind)
	}
	kind, _ := proto.GetExtension(f.Options(), textv1.E_Kind).(textv1.Kind)
	kinds.Store(f.FullName(), kind)
	return kind
}

// walk visits the strings of a message at any depth and replaces each with what visit returns. It passes over maps; the
// contract has none in requests.
func walk(m protoreflect.Message, prefix string, visit func(path string, kind textv1.Kind, s string) string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.IsMap() || !m.Has(f) || f.Message() == nil && f.Kind() != protoreflect.StringKind {
			continue
		}
		path := prefix + string(f.Name())
		if f.IsList() {
			walkList(m.Mutable(f).List(), f, path, visit)
			continue
		}
		if f.Message() != nil {
			walk(m.Get(f).Message(), path+".", visit)
			continue
		}
		old := m.Get(f).String()
		if s := visit(path, kindOf(f), old); s != old {
			m.Set(f, protoreflect.ValueOfString(s))
		}
	}
}

func walkList(
	values protoreflect.List, f protoreflect.FieldDescriptor, path string,
	visit func(path string, kind textv1.Kind, s string) string,
) {
	for i := range values.Len() {
		at := fmt.Sprintf("%s[%d]", path, i)
		if f.Message() != nil {
			walk(values.Get(i).Message(), at+".", visit)
			continue
		}
		old := values.Get(i).String()
		if s := visit(at, kindOf(f), old); s != old {
			values.Set(i, protoreflect.ValueOfString(s))
		}
	}
}
