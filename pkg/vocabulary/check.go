package vocabulary

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/text"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Violations returns the fields of a message whose code is not in its list, or not valid on the day of now. A code of a
// field with an as_of may also have been valid since that date. It ignores empty fields: the rules of the contract
// cover those. In a nil set no code is valid.
func Violations(s *Set, m proto.Message, now time.Time) []fault.Field {
	return text.Walk(m.ProtoReflect(),
		func(m protoreflect.Message, f protoreflect.FieldDescriptor, code string) (string, *fault.Field) {
			a := annotationOf(f)
			if a.list == "" {
				return code, nil
			}
			reason := fault.UnknownCode
			if s != nil {
				reason = s.CheckSince(a.list, code, firstDay(m, a.asOf), now)
			}
			if reason == "" {
				return code, nil
			}
			return code, &fault.Field{Reason: reason, Limit: a.list}
		})
}

// annotation is what the contract says about a field.
type annotation struct {
	list string
	asOf protoreflect.Name
}

// annotations caches the annotation of each field: reading options is slow.
var annotations sync.Map // protoreflect.FieldDescriptor → annotation

func annotationOf(f protoreflect.FieldDescriptor) annotation {
	if cached, ok := annotations.Load(f); ok {
		return cached.(annotation)
	}
	list, _ := proto.GetExtension(f.Options(), vocabularyv1.E_List).(string)
	asOf, _ := proto.GetExtension(f.Options(), vocabularyv1.E_AsOf).(string)
	a := annotation{list: list, asOf: protoreflect.Name(asOf)}
	annotations.Store(f, a)
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
