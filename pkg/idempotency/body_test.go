package idempotency_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/retepari/pari/pkg/idempotency"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure a check of a request has the body of the request, which does not change with protobuf: hashes of it are kept.
func TestBody(t *testing.T) {
	t.Parallel()
	request := &directoryv1.ProposeChangesRequest{
		RequestId: "a", Reason: "x", EffectiveOn: "2027-01-01",
		Entries: []*directoryv1.Entry{{Id: "x"}, {}},
	}
	const want = "010161020202017800000000030178040a" + "323032372d30312d30310000"
	if got := hex.EncodeToString(idempotency.Body(request)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	body := idempotency.Body(request)
	request.ValidateOnly = true
	if got := idempotency.Body(request); !bytes.Equal(got, body) {
		t.Errorf("the check has the body %x", got)
	}
}

// Ensure different messages have different bodies, and equal ones equal bodies, whatever kinds of fields they have.
func TestBody_TellsMessagesApart(t *testing.T) {
	t.Parallel()
	unknown := &directoryv1.Body{}
	unknown.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
	object := func(m map[string]any) proto.Message {
		s, err := structpb.NewStruct(m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	office := func(roles ...string) proto.Message { return &directoryv1.Office{NetworkRoles: roles} }
	messages := []proto.Message{
		&directoryv1.Body{}, &directoryv1.Body{Name: "a"}, &directoryv1.Body{Name: "b"}, unknown,
		office("a", "b"), office("ab"), office("b", "a"), office("a", ""),
		object(map[string]any{"a": 1, "b": true}), object(map[string]any{"a": 1, "b": false}),
		object(map[string]any{"a": 2, "b": true}), object(map[string]any{"a": 1}), object(map[string]any{"b": 1}),
		wrapperspb.Int32(-1), wrapperspb.Int32(1), wrapperspb.Int64(-300), wrapperspb.UInt32(300),
		wrapperspb.UInt64(3), wrapperspb.Float(1.5), wrapperspb.Bytes([]byte{0, 1}),
	}
	for i, m := range messages {
		for j, other := range messages {
			equal := bytes.Equal(idempotency.Body(m), idempotency.Body(proto.Clone(other)))
			if equal != (i == j) {
				t.Errorf("%T %v and %T %v: equal %t", m, m, other, other, equal)
			}
		}
	}
}
