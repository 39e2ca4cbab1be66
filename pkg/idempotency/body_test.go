package idempotency_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/idempotency"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure a check of a request has the body of the request, and no other.
func TestBody(t *testing.T) {
	t.Parallel()
	request := func(reason string, validateOnly bool) proto.Message {
		return &directoryv1.ProposeChangesRequest{RequestId: "a", Reason: reason, ValidateOnly: validateOnly}
	}
	want, check := request("x", false), request("x", true)
	if got := idempotency.Body(check); !proto.Equal(got, want) || !proto.Equal(check, request("x", true)) {
		t.Errorf("got %v of %v", got, check)
	}
	if got := idempotency.Body(want); got != want {
		t.Errorf("a request is copied without need: %v", got)
	}
	if got := idempotency.Body(request("y", true)); proto.Equal(got, want) {
		t.Errorf("another request has the body %v", got)
	}
	without := &directoryv1.ListProposalsRequest{}
	if got := idempotency.Body(without); got != proto.Message(without) {
		t.Errorf("got %v", got)
	}
}
