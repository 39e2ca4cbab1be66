package validate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/validate"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// Ensure each kind of rule of the contract gets its reason, with the limit where there is one.
func TestMessage(t *testing.T) {
	t.Parallel()
	v, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 301)
	for name, c := range map[string]struct {
		message proto.Message
		path    string
		reason  fault.Reason
		limit   string
	}{
		"missing message":  {&directoryv1.Body{}, "provenance", fault.Required, ""},
		"missing text":     {&directoryv1.Body{}, "name", fault.Required, ""},
		"unspecified enum": {&directoryv1.Body{}, "kind", fault.Required, ""},
		"unknown enum":     {&directoryv1.Body{Kind: 99}, "kind", fault.UnknownValue, ""},
		"text too long":    {&directoryv1.Body{Name: long}, "name", fault.TooLong, "300"},
		"list too long":    {&directoryv1.Body{Links: make([]*directoryv1.Link, 501)}, "links", fault.TooMany, "500"},
		"not an e-mail":    {&directoryv1.Email{Address: "x"}, "address", fault.BadEmail, ""},
		"not a UUID":       {&directoryv1.ProposeChangesRequest{RequestId: "x"}, "request_id", fault.BadUUID, ""},
		"UUID of zeros": {
			&directoryv1.ProposeChangesRequest{RequestId: uuid.Nil.String()}, "request_id", fault.BadUUID, "",
		},
		"missing UUID":      {&directoryv1.ProposeChangesRequest{}, "request_id", fault.BadUUID, ""},
		"list too short":    {&directoryv1.ProposeChangesRequest{}, "entries", fault.TooFew, "1"},
		"pattern":           {&directoryv1.Link{Url: "x"}, "url", fault.BadFormat, ""},
		"twice in a list":   {&directoryv1.Office{Grounds: []string{"A", "A"}}, "grounds", fault.NotUnique, ""},
		"below the range":   {&directoryv1.ListOfficesRequest{PageSize: -1}, "page_size", fault.OutOfRange, "0-200"},
		"above the range":   {&directoryv1.ListOfficesRequest{PageSize: 201}, "page_size", fault.OutOfRange, "0-200"},
		"below 64 bits":     {&directoryv1.Budget{TotalCents: -1}, "total_cents", fault.OutOfRange, "0-100000000000"},
		"impossible date":   {&recordv1.PartialDate{Year: 2026, Month: 2, Day: 30}, "", fault.ImpossibleDate, ""},
		"day without month": {&recordv1.PartialDate{Year: 2025, Day: 30}, "", fault.IncompleteDate, ""},
	} {
		want := fault.Field{Path: c.path, Reason: c.reason, Limit: c.limit}
		fields, err := validate.Message(v, c.message)
		if err != nil {
			t.Fatal(err)
		}
		var got []fault.Field
		for _, f := range fields {
			if f.Path == want.Path {
				got = append(got, f)
			}
		}
		if diff := cmp.Diff([]fault.Field{want}, got); diff != "" {
			t.Errorf("%s: %s\nall: %v", name, diff, fields)
		}
	}
	fields, err := validate.Message(v, &directoryv1.ListOfficesRequest{PageSize: 200})
	if err != nil || len(fields) != 0 {
		t.Errorf("a valid message has %v, %v", fields, err)
	}
}

// brokenValidator fails to evaluate the rules.
type brokenValidator struct{ protovalidate.Validator }

func (brokenValidator) Validate(proto.Message, ...protovalidate.ValidationOption) error {
	return errors.New("rule does not compile")
}

// Ensure a rule that cannot be evaluated is an error, and does not let the message pass.
func TestMessage_BrokenRule(t *testing.T) {
	t.Parallel()
	fields, err := validate.Message(brokenValidator{}, &directoryv1.Body{})
	if err == nil || fault.ReasonOf(err) != "" {
		t.Errorf("got %v, %v", fields, err)
	}
}

// Ensure the future begins when a day begins in Rome, which is before it does in UTC.
func TestMessage_FutureInRome(t *testing.T) {
	t.Parallel()
	date := func(year, month, day int32) *recordv1.PartialDate {
		return &recordv1.PartialDate{Year: year, Month: month, Day: day}
	}
	month := func(year, month int32) *recordv1.Month { return &recordv1.Month{Year: year, Month: month} }
	for _, c := range []struct {
		now    string
		value  proto.Message
		future bool
	}{
		{"2026-12-31T22:59:00Z", date(2026, 12, 31), false},
		{"2026-12-31T22:59:00Z", date(2027, 1, 1), true},
		{"2026-12-31T22:59:00Z", date(2027, 1, 0), true},
		{"2026-12-31T22:59:00Z", date(2027, 0, 0), true},
		{"2026-12-31T22:59:00Z", month(2027, 1), true},
		{"2026-12-31T23:01:00Z", date(2027, 1, 1), false},
		{"2026-12-31T23:01:00Z", date(2027, 1, 2), true},
		{"2026-12-31T23:01:00Z", date(2027, 1, 0), false},
		{"2026-12-31T23:01:00Z", date(2027, 0, 0), false},
		{"2026-12-31T23:01:00Z", month(2027, 1), false},
		{"2026-06-30T22:01:00Z", date(2026, 7, 1), false}, // summer time
		{"2026-06-30T21:59:00Z", date(2026, 7, 1), true},
		{"2026-06-30T22:01:00Z", month(2026, 7), false},
	} {
		at, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		now := func() *timestamppb.Timestamp { return timestamppb.New(at) }
		validator, err := protovalidate.New(protovalidate.WithNowFunc(now))
		if err != nil {
			t.Fatal(err)
		}
		fields, err := validate.Message(validator, c.value)
		if err != nil {
			t.Fatal(err)
		}
		future := len(fields) == 1 && fields[0].Reason == fault.FutureDate
		if future != c.future || len(fields) > 0 && !future {
			t.Errorf("%v at %s: %v, want future %v", c.value, c.now, fields, c.future)
		}
	}
}
