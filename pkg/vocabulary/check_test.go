package vocabulary_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure every code of a message is checked against the list of its field, at any depth, and reported with its path.
func TestViolations(t *testing.T) {
	t.Parallel()
	set := vocabulary.NewSet(ground())
	office := &directoryv1.Office{
		Name:     "BLUE", // has no list
		Kind:     "DESK",
		Grounds:  []string{"SKIN_COLOUR", "BLUE", "OLD"},
		Services: []*directoryv1.Service{{}, {Type: "LISTENING", AccessModes: []string{"PHONE"}}},
	}
	want := []fault.Field{
		{Path: "office.kind", Reason: fault.UnknownCode, Limit: "office_kind"},
		{Path: "office.services[1].type", Reason: fault.UnknownCode, Limit: "service_type"},
		{Path: "office.services[1].access_modes[0]", Reason: fault.UnknownCode, Limit: "access_mode"},
		{Path: "office.grounds[1]", Reason: fault.UnknownCode, Limit: "ground"},
		{Path: "office.grounds[2]", Reason: fault.ExpiredCode, Limit: "ground"},
	}
	for range 2 { // the second time the lists of the fields are cached
		got := vocabulary.Violations(set, &directoryv1.GetOfficeResponse{Office: office}, now)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// Ensure no code is valid before the lists are loaded, and messages without codes are valid always.
func TestViolations_WithoutLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message proto.Message
		want    int
	}{
		"code":  {&directoryv1.FindOfficesRequest{Ground: "SKIN_COLOUR"}, 1},
		"empty": {&directoryv1.FindOfficesRequest{}, 0},
		"map":   {&errdetails.ErrorInfo{Reason: "X", Metadata: map[string]string{"a": "b"}}, 0},
	} {
		if got := vocabulary.Violations(nil, c.message, now); len(got) != c.want {
			t.Errorf("%s: got %v, want %d", name, got, c.want)
		}
	}
}
