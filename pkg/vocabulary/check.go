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

// Violations returns the fields of a message whose code is not in its list, or not valid on the day of now. A code of a
// field with an as_of may also have been valid since that date. It ignores empty fields: the rules of the contract
// cover those. In a nil set no code is valid.
func Violations(s *Set, m proto.Message, now time.Time) []fault.Field {
	var found []fault.Field
	walk(m.ProtoReflect(), "", func(path string, c coded) {
		reason := fault.UnknownCode
		if s != nil {
			reason = s.CheckSince(c.list, c.code, c.since, now)
		}
		if reason != "" {
			found = append(found, fault.Field{Path: path, Reason: reason, Limit: c.list})
		}
	})
	return found
}

// coded is a code in a message: its list, and the first day from which it holds, or "".
type coded struct{ list, code, since string }

// annotation is what the contract says about a field.
type annotation struct {
	list string
	asOf protoreflect.Name
}

// annotations caches the annotation of each field: reading options is slow.
var annotations sync.Map // protoreflect.FullName → annotation

func annotationOf(f protoreflect.FieldDescriptor) annotation {
	if cached, ok := annotations.Load(f.FullName()); ok {
		return cached.(annotation)
	}
	list, _ := proto.GetExtension(f.Options(), vocabularyv1.E_List).(string)
	asOf, _ := proto.GetExtension(f.Options(), vocabularyv1.E_AsOf).(string)
	a := annotation{list: list, asOf: protoreflect.Name(asOf)}
	annotations.Store(f.FullName(), a)
	return a
}

// firstDay returns the first day of the date in a field of a message: of a PartialDate or a Month. It is "" without a
// date.
func firstDay(m protoreflect.Message, name protoreflect.Name) string {
	field := m.Descriptor().Fields().ByName(name)
	if field == nil || field.Message() == nil || field.IsList() || !m.Has(field) {
		return ""
	}
	date := m.Get(field).Message()
	number := func(name protoreflect.Name) int64 {
		if part := date.Descriptor().Fields().ByName(name); part != nil {
			return date.Get(part).Int()
		}
		return 0
	}
	if number("year") == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", number("year"), max(number("month"), 1), max(number("day"), 1))
}

func walk(m protoreflect.Message, prefix string, visit func(path string, c coded)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		path, a := prefix+string(f.Name()), annotationOf(f)
		switch {
		case f.IsMap():
		case f.IsList():
			values := m.Get(f).List()
			for j := range values.Len() {
				at := fmt.Sprintf("%s[%d]", path, j)
				switch {
				case f.Message() != nil:
					walk(values.Get(j).Message(), at+".", visit)
				case a.list != "":
					visit(at, coded{a.list, values.Get(j).String(), firstDay(m, a.asOf)})
				}
			}
		case f.Message() != nil:
			walk(m.Get(f).Message(), path+".", visit)
		case a.list != "":
			visit(path, coded{a.list, m.Get(f).String(), firstDay(m, a.asOf)})
		}
	}
}
