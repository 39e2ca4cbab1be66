package rpc_test

import (
	"testing"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure that a number out of range is told both ends of the range, whichever was passed.
func TestShape_TellsTheRange(t *testing.T) {
	t.Parallel()
	v, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int32{-1, 201} {
		got, err := rpc.Shape(v, &directoryv1.ListOfficesRequest{PageSize: size})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]fault.Field{{Path: "page_size", Reason: fault.OutOfRange, Limit: "0-200"}}, got); diff != "" {
			t.Error(diff)
		}
	}
}
