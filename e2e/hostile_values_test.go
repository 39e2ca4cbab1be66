package e2e_test

import (
	"encoding/base64"
	"math"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// hostileTexts are texts and dates that programs have stumbled over.
var hostileTexts = []string{
	"", "\x00", "a\x00b", "\x1b[31mrosso\x1b[0m", "uno\r\ndue\r\n", "uno\tdue", "\t\n ", "a\u202egpj.exe", "\ufeffa",
	"\u2028\u0085", "a\ufffeb\uffff", "\u0301", strings.Repeat("e\u0301\u0302", 120), "👨\u200d👩\u200d👧",
	strings.Repeat("🛑", 20_000), strings.Repeat("x", 70_000), "'; drop table report; --", "\\u0000", `{"a":[1,null]}`,
	"{a: [*x, &y", "../../etc/passwd", "%00%0a%s%n", "<script>alert(1)</script>", "=cmd|'/C calc'!A0",
	"2027-02-29", "0000-00-00", "2027-13-01", "99999-01-01", "0001-01-01", "9999-12-31", "0000", "24:61", "-1", "NaN",
	"a@b@c", "https://[::1", "https://a\x00b", "RRULE:FREQ=SECONDLY;COUNT=999999999",
	"00000000-0000-0000-0000-000000000000",
	"urn:uuid:0b9f7c1e-6f0a-4c7e-9a49-2f6d1b1a5c11",
	pageToken("\x00"), pageToken("1/cremona/\x00/\xff/x"),
	pageToken("1\nproposals PROPOSAL_STATE_UNSPECIFIED\n\x00"), strings.Repeat("A", 500),
}

func pageToken(raw string) string { return base64.RawURLEncoding.EncodeToString([]byte(raw)) }

// hostileDocuments are contents of files.
var hostileDocuments = [][]byte{
	nil, {0}, []byte("\xff\xfe{\x00"), []byte("name: \"a\\0b\""), []byte("&a [*a, *a]"),
	[]byte("a: &a [*a]"), []byte("---\n---\n"),
	[]byte("{"), []byte("[]"), []byte("null"), []byte(`{"id":"\u0000","name":"\ud800"}`), []byte(`{"name":1e999}`),
	[]byte(strings.Repeat("[", 20_000)), []byte(strings.Repeat("a: {", 5000)),
	[]byte("provenance: {valid_from: 2027-02-29}\nname: \"\\e[31m\""),
}

// hostileNumbers are numbers at and beyond every limit.
var hostileNumbers = []int64{-1, 0, 1, math.MinInt32, math.MaxInt32, math.MinInt64, math.MaxInt64}

// mutation sets one field of a request to a hostile value.
type mutation struct {
	path  string
	at    func(proto.Message) protoreflect.Message
	field protoreflect.FieldDescriptor
	value protoreflect.Value
}

func (m mutation) set(req proto.Message) { setFirst(m.at(req), m.field, m.value) }

// mutations returns one mutation per field of a request, at any depth, and hostile value. A list gets the value as its
// first element. Of a oneof only the field that the request has is changed.
func mutations(req proto.Message) []mutation {
	var all []mutation
	var walk func(m protoreflect.Message, path string, at func(proto.Message) protoreflect.Message, depth int)
	walk = func(m protoreflect.Message, path string, at func(proto.Message) protoreflect.Message, depth int) {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			if o := f.ContainingOneof(); o != nil && m.WhichOneof(o) != f || f.Name() == "validate_only" || depth > 7 {
				continue
			}
			path := strings.TrimPrefix(path+"."+string(f.Name()), ".")
			if f.Message() != nil {
				inner := func(req proto.Message) protoreflect.Message { return innerMessage(at(req), f) }
				walk(inner(proto.Clone(req)), path, inner, depth+1)
				continue
			}
			for _, v := range hostileValues(f) {
				all = append(all, mutation{path: path, at: at, field: f, value: v})
			}
		}
	}
	walk(req.ProtoReflect(), "", proto.Message.ProtoReflect, 0)
	return all
}

// innerMessage returns the message in a field, or the first one of a list. It creates what is missing.
func innerMessage(m protoreflect.Message, f protoreflect.FieldDescriptor) protoreflect.Message {
	if !f.IsList() {
		return m.Mutable(f).Message()
	}
	list := m.Mutable(f).List()
	if list.Len() == 0 {
		return list.AppendMutable().Message()
	}
	return list.Get(0).Message()
}

// setFirst sets a field, or the first element of a list.
func setFirst(m protoreflect.Message, f protoreflect.FieldDescriptor, v protoreflect.Value) {
	if !f.IsList() {
		m.Set(f, v)
		return
	}
	if list := m.Mutable(f).List(); list.Len() == 0 {
		list.Append(v)
	} else {
		list.Set(0, v)
	}
}

func hostileValues(f protoreflect.FieldDescriptor) (values []protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.StringKind:
		for _, s := range hostileTexts {
			values = append(values, protoreflect.ValueOfString(s))
		}
	case protoreflect.BytesKind:
		for _, b := range hostileDocuments {
			values = append(values, protoreflect.ValueOfBytes(b))
		}
	case protoreflect.EnumKind:
		for _, n := range []protoreflect.EnumNumber{-1, 0, 99, math.MaxInt32, math.MinInt32} {
			values = append(values, protoreflect.ValueOfEnum(n))
		}
	case protoreflect.BoolKind:
		values = append(values, protoreflect.ValueOfBool(false), protoreflect.ValueOfBool(true))
	case protoreflect.Int32Kind:
		for _, n := range hostileNumbers {
			values = append(values, protoreflect.ValueOfInt32(int32(max(min(n, math.MaxInt32), math.MinInt32))))
		}
	case protoreflect.Int64Kind:
		for _, n := range hostileNumbers {
			values = append(values, protoreflect.ValueOfInt64(n))
		}
	case protoreflect.DoubleKind:
		for _, n := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			values = append(values, protoreflect.ValueOfFloat64(n))
		}
	default:
		panic("no hostile values for " + f.Kind().String())
	}
	return values
}
