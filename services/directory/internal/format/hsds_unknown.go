package format

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// omissionReasons maps a field of HSDS, or a list and a field of its items, to the reason for leaving it out.
var omissionReasons = map[string]omissionReason{
	"contacts.name":  reasonPerson,
	"contacts.title": reasonTask,
	"latitude":       reasonMap,
	"longitude":      reasonMap,
	"metadata":       reasonHistory,
	"funding":        reasonFunding,
	"cost_options":   reasonCost,
	"languages":      reasonLanguages,
	"extension":      reasonExtension,
	"uri":            reasonURI,
}

func typeOf(value any) reflect.Type { return reflect.TypeOf(value).Elem() }

// omitUnknown omits the fields of a JSON value that the type it was decoded into does not have. Empty values are no
// loss, so they are not reported. Within is the name of the list that holds the value.
func (r *hsdsReader) omitUnknown(path, within string, tree any, t reflect.Type) {
	switch v := tree.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for _, item := range withPaths(path, v) {
				r.omitUnknown(item.path, within, item.value, t.Elem())
			}
		}
	case map[string]any:
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		known := jsonFields(t)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			if field, ok := known[name]; ok {
				r.omitUnknown(at, name, v[name], field)
			} else if !isEmpty(v[name]) {
				r.omit(at, omissionReasonFor(within, name))
			}
		}
	}
}

func omissionReasonFor(within, name string) omissionReason {
	for _, key := range []string{within + "." + name, name} {
		if reason, ok := omissionReasons[key]; ok {
			return reason
		}
	}
	return reasonNoField
}

// jsonFields returns the types of the fields of a struct by their JSON names.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	all := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			maps.Copy(all, jsonFields(t.Field(i).Type))
			continue
		}
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all[name] = t.Field(i).Type
	}
	return all
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
