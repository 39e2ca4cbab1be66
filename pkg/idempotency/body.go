package idempotency

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Body returns the part of a request that repetitions must have in common: all but validate_only, so that a check of a
// request says what the request would. It does not change the request.
func Body(m proto.Message) proto.Message {
	f := m.ProtoReflect().Descriptor().Fields().ByName("validate_only")
	if f == nil || f.Kind() != protoreflect.BoolKind || !m.ProtoReflect().Has(f) {
		return m
	}
	body := proto.Clone(m)
	body.ProtoReflect().Clear(f)
	return body
}
