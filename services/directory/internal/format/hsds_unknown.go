package format

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// hsdsReasons says why fields of HSDS are left out, by the name of the field, or of the list that it stands in and the field.
var hsdsReasons = map[string]string{
	"contacts.name":  "the directory does not publish names of people",
	"contacts.title": "the directory does not publish what single people do",
	"latitude":       "an address has no place on a map",
	"longitude":      "an address has no place on a map",
	"metadata":       "the directory keeps its own history",
	"funding":        "an office does not say who pays for it",
	"cost_options":   "the cost of an office is a code",
	"languages":      "languages are those of a location: an office has them as a whole",
	"extension":      "a telephone has no extension",
	"uri":            "an office is named by its identifier",
}

// hsdsNoField is the reason for all others.
const hsdsNoField = "an office has no field for it"

func typeOf(value any) reflect.Type { return reflect.TypeOf(value).Elem() }

// unknown leaves out what stands in a tree of JSON and not in the type that it was read into. Empty values say nothing, so
// they are not missed. Within is the name of the list that the tree stands in.
func (r *hsdsReader) unknown(path, within string, tree any, t reflect.Type) {
	switch v := tree.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for _, item := range each(path, v) {
				r.unknown(item.path, within, item.it, t.Elem())
			}
		}
	case map[string]any:
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		known := fields(t)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			if field, ok := known[name]; ok {
				r.unknown(at, name, v[name], field)
			} else if !empty(v[name]) {
				r.leave(at, hsdsReason(within, name))
			}
		}
	}
}

func hsdsReason(within, name string) string {
	for _, key := range []string{within + "." + name, name} {
		if reason, ok := hsdsReasons[key]; ok {
			return reason
		}
	}
	return hsdsNoField
}

// fields are the types of the fields of a type, by their names in JSON.
func fields(t reflect.Type) map[string]reflect.Type {
	all := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			maps.Copy(all, fields(t.Field(i).Type))
			continue
		}
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all[name] = t.Field(i).Type
	}
	return all
}

func empty(value any) bool {
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
