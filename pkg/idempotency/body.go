package idempotency

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Body encodes what repetitions of a request must have in common: all but validate_only, so that a check of a request
// says what the request would, and first_sent_at, which only retries may have. Equal requests have equal bodies and
// different ones have different bodies. The encoding is our own because hashes of it are kept: protobuf's may change
// with each of its versions.
func Body(m proto.Message) []byte {
	return appendMessage(nil, m.ProtoReflect(), "validate_only", "first_sent_at")
}

// appendMessage appends the fields that are set, by number, then 0, then the fields that this program does not know.
func appendMessage(b []byte, m protoreflect.Message, skip ...protoreflect.Name) []byte {
	var fields []protoreflect.FieldDescriptor
	m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !slices.Contains(skip, f.Name()) {
			fields = append(fields, f)
		}
		return true
	})
	slices.SortFunc(fields, func(x, y protoreflect.FieldDescriptor) int { return cmp.Compare(x.Number(), y.Number()) })
	for _, f := range fields {
		b = binary.AppendUvarint(b, uint64(f.Number()))
		b = appendField(b, f, m.Get(f))
	}
	return appendBytes(binary.AppendUvarint(b, 0), m.GetUnknown())
}

func appendField(b []byte, f protoreflect.FieldDescriptor, v protoreflect.Value) []byte {
	switch {
	case f.IsList():
		list := v.List()
		b = binary.AppendUvarint(b, uint64(list.Len()))
		for i := range list.Len() {
			b = appendValue(b, list.Get(i))
		}
	case f.IsMap():
		var entries [][]byte
		v.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
			entries = append(entries, appendValue(appendValue(nil, key.Value()), v))
			return true
		})
		slices.SortFunc(entries, bytes.Compare)
		b = binary.AppendUvarint(b, uint64(len(entries)))
		for _, e := range entries {
			b = appendBytes(b, e)
		}
	default:
		b = appendValue(b, v)
	}
	return b
}

func appendValue(b []byte, v protoreflect.Value) []byte {
	switch x := v.Interface().(type) {
	case bool:
		if x {
			return append(b, 1)
		}
		return append(b, 0)
	case int32:
		return binary.AppendVarint(b, int64(x))
	case int64:
		return binary.AppendVarint(b, x)
	case uint32:
		return binary.AppendUvarint(b, uint64(x))
	case uint64:
		return binary.AppendUvarint(b, x)
	case float32:
		return binary.BigEndian.AppendUint32(b, math.Float32bits(x))
	case float64:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(x))
	case protoreflect.EnumNumber:
		return binary.AppendVarint(b, int64(x))
	case string:
		return appendBytes(b, []byte(x))
	case []byte:
		return appendBytes(b, x)
	case protoreflect.Message:
		return appendMessage(b, x)
	default:
		panic("idempotency: a value of no kind of protobuf")
	}
}

func appendBytes(b, data []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(data))), data...)
}
