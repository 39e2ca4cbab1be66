package rpc

import (
	"bytes"
	"fmt"
	"strings"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// lenientCodec passes a request that cannot be decoded on as a malformed one, so that the pipeline refuses it with a
// reason like any other. gRPC itself would answer INTERNAL. The messages of gRPC's own services do not pass the
// pipeline, so their errors stay.
type lenientCodec struct{ encoding.CodecV2 }

func newLenientCodec() lenientCodec { return lenientCodec{encoding.GetCodecV2("proto")} }

// Unmarshal implements encoding.CodecV2.
func (c lenientCodec) Unmarshal(data mem.BufferSlice, v any) error {
	err := c.CodecV2.Unmarshal(data, v)
	m, ok := v.(proto.Message)
	if err == nil {
		return nil
	}
	if !ok || strings.HasPrefix(string(m.ProtoReflect().Descriptor().FullName()), "grpc.") {
		return fmt.Errorf("codec: %w", err)
	}
	proto.Reset(m)
	m.ProtoReflect().SetUnknown(malformedMark)
	return nil
}

// malformedMark is an unknown field that marks a malformed message. A caller who sends it is refused, too.
var malformedMark = protowire.AppendString(
	protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType), "malformed")

func isMalformed(m proto.Message) bool {
	return bytes.Equal(m.ProtoReflect().GetUnknown(), malformedMark)
}
