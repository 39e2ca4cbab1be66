package rpc_test

import (
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// Ensure what lies in the future is told by a calendar in Rome, where each day begins before it does in UTC.
func TestShape_FutureInRome(t *testing.T) {
	t.Parallel()
	date := func(year, month, day int32) *recordv1.PartialDate {
		return &recordv1.PartialDate{Year: year, Month: month, Day: day}
	}
	for _, c := range []struct {
		now    string
		value  proto.Message
		future bool
	}{
		{"2026-12-31T22:59:00Z", date(2026, 12, 31), false},
		{"2026-12-31T22:59:00Z", date(2027, 1, 1), true},
		{"2026-12-31T22:59:00Z", date(2027, 1, 0), true},
		{"2026-12-31T22:59:00Z", date(2027, 0, 0), true},
		{"2026-12-31T22:59:00Z", &recordv1.Month{Year: 2027, Month: 1}, true},
		{"2026-12-31T23:01:00Z", date(2027, 1, 1), false},
		{"2026-12-31T23:01:00Z", date(2027, 1, 2), true},
		{"2026-12-31T23:01:00Z", date(2027, 1, 0), false},
		{"2026-12-31T23:01:00Z", date(2027, 0, 0), false},
		{"2026-12-31T23:01:00Z", &recordv1.Month{Year: 2027, Month: 1}, false},
		{"2026-06-30T22:01:00Z", date(2026, 7, 1), false}, // summer time
		{"2026-06-30T21:59:00Z", date(2026, 7, 1), true},
		{"2026-06-30T22:01:00Z", &recordv1.Month{Year: 2026, Month: 7}, false},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		validator, err := protovalidate.New(protovalidate.WithNowFunc(func() *timestamppb.Timestamp { return timestamppb.New(now) }))
		if err != nil {
			t.Fatal(err)
		}
		fields, err := rpc.Shape(validator, c.value)
		if err != nil {
			t.Fatal(err)
		}
		if future := len(fields) == 1 && fields[0].Reason == fault.FutureDate; future != c.future || !future && len(fields) > 0 {
			t.Errorf("%v at %s: %v, want future %v", c.value, c.now, fields, c.future)
		}
	}
}
