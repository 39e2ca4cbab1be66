package rpc_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string                       { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error)      { return v.([]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }

// malformedRequests are no messages: a text that is not UTF-8, a length beyond the end, and a reserved wire type.
var malformedRequests = map[string][]byte{
	"not UTF-8": {0x0a, 2, 'a', 0xff}, "too short": {0x0a, 100, 'a'}, "wire type 7": {0x0f},
}

// Ensure a request that cannot be decoded is refused with a reason, after the caller has been checked.
func TestServer_MalformedRequest(t *testing.T) {
	t.Parallel()
	s := start(t, config(), unreachable(t))
	for name, raw := range malformedRequests {
		var resp []byte
		err := s.As(t, portal, "").Invoke(t.Context(), findMethod, raw, &resp, grpc.ForceCodec(rawCodec{}))
		if got := reasonOf(fault.FromStatus(err)); got != fault.MalformedRequest {
			t.Errorf("%s: %v", name, err)
		}
		const decide = directoryv1.DirectoryService_DecideProposal_FullMethodName
		err = s.As(t, portal, "").Invoke(t.Context(), decide, raw, &resp, grpc.ForceCodec(rawCodec{}))
		if got := reasonOf(fault.FromStatus(err)); got != fault.NoToken {
			t.Errorf("%s from a stranger: %v", name, err)
		}
	}
}

// Ensure a message of a stream that cannot be decoded is refused with a reason.
func TestServer_MalformedStream(t *testing.T) {
	t.Parallel()
	s := startProbe(t, &rpctest.Probe{
		OnUpload: func(_ context.Context, receive func() (string, error)) (string, error) { return receive() },
	})
	streams := map[string]grpc.ClientConnInterface{
		rpctest.ProbeWatch: operator(t, s), rpctest.ProbeUpload: s.As(t, portal, ""),
	}
	for method, conn := range streams {
		for name, raw := range malformedRequests {
			desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
			stream, err := conn.NewStream(t.Context(), desc, method, grpc.ForceCodec(rawCodec{}))
			if err != nil {
				t.Fatal(err)
			}
			var resp []byte
			err = errors.Join(stream.SendMsg(raw), stream.CloseSend())
			if err == nil {
				err = stream.RecvMsg(&resp)
			}
			if got := reasonOf(fault.FromStatus(err)); got != fault.MalformedRequest {
				t.Errorf("%s: %s: %v", method, name, err)
			}
		}
	}
	if err := get(t.Context(), operator(t, s), rpctest.ProbeGet); err != nil {
		t.Errorf("a message: %v", err)
	}
}
