package rpc

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// lenientCodec drops the fields that this program does not know, so that nothing is stored unseen, and notes the size
// that a request had on the wire. It passes a request that cannot be decoded on as a malformed one, so that the
// pipeline refuses it with a reason like any other; gRPC itself would answer INTERNAL. The messages of gRPC's own
// services do not pass the pipeline, and are decoded as usual.
type lenientCodec struct{ encoding.CodecV2 }

func newLenientCodec() lenientCodec { return lenientCodec{encoding.GetCodecV2("proto")} }

// Unmarshal implements encoding.CodecV2.
func (c lenientCodec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok || strings.HasPrefix(string(m.ProtoReflect().Descriptor().FullName()), "grpc.") {
		if err := c.CodecV2.Unmarshal(data, v); err != nil {
			return fmt.Errorf("codec: %w", err)
		}
		return nil
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	note := wireNote{size: data.Len()}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(buf.ReadOnlyData(), m); err != nil {
		proto.Reset(m)
		note.malformed = true
	}
	note.attach(m)
	return nil
}

// wireNote is what the codec tells the pipeline about a request, in place of the unknown fields.
type wireNote struct {
	size      int
	malformed bool
}

const wireNoteField = protowire.MaxValidNumber

func (n wireNote) attach(m proto.Message) {
	value := uint64(n.size) << 1
	if n.malformed {
		value |= 1
	}
	m.ProtoReflect().SetUnknown(protowire.AppendVarint(
		protowire.AppendTag(nil, wireNoteField, protowire.VarintType), value))
}

// takeWireNote returns the note of a message, and removes it. A message that no codec has decoded has none.
func takeWireNote(m proto.Message) wireNote {
	unknown := m.ProtoReflect().GetUnknown()
	number, kind, n := protowire.ConsumeTag(unknown)
	if n < 0 || number != wireNoteField || kind != protowire.VarintType {
		return wireNote{size: proto.Size(m)}
	}
	value, _ := protowire.ConsumeVarint(unknown[n:])
	m.ProtoReflect().SetUnknown(nil)
	return wireNote{size: int(value >> 1), malformed: value&1 == 1}
}
