package vocabulary

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Violations returns the fields of a message whose code is not in its list, or not valid on the day of now. It ignores
// empty fields: the rules of the contract cover those. In a nil set no code is valid.
func Violations(s *Set, m proto.Message, now time.Time) []fault.Field {
	var found []fault.Field
	walk(m.ProtoReflect(), "", func(path, list, code string) {
		reason := fault.UnknownCode
		if s != nil {
			reason = s.Check(list, code, now)
		}
		if reason != "" {
			found = append(found, fault.Field{Path: path, Reason: reason, Limit: list})
		}
	})
	return found
}

// listNames caches the list of each field: reading options is slow.
var listNames sync.Map // protoreflect.FullName → string

func listName(f protoreflect.FieldDescriptor) string {
	if cached, ok := listNames.Load(f.FullName()); ok {
		return cached.(string)
	}
	name, _ := proto.GetExtension(f.Options(), vocabularyv1.E_List).(string)
	listNames.Store(f.FullName(), name)
	return name
}

func walk(m protoreflect.Message, prefix string, visit func(path, list, code string)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		path, name := prefix+string(f.Name()), listName(f)
		switch {
		case f.IsMap():
		case f.IsList():
			values := m.Get(f).List()
			for j := range values.Len() {
				at := fmt.Sprintf("%s[%d]", path, j)
				switch {
				case f.Message() != nil:
					walk(values.Get(j).Message(), at+".", visit)
				case name != "":
					visit(at, name, values.Get(j).String())
				}
			}
		case f.Message() != nil:
			walk(m.Get(f).Message(), path+".", visit)
		case name != "":
			visit(path, name, m.Get(f).String())
		}
	}
}
