package validate

import (
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/pkg/fault"
)

func newOf[T any](*T) *T { return new(T) }

// violation is a violation of a rule with a value, or without one.
func violation(ruleID string, value any) *protovalidate.Violation {
	v := &protovalidate.Violation{}
	v.Proto = newOf(v.Proto)
	v.Proto.RuleId = proto.String(ruleID)
	if value != nil {
		v.RuleValue = protoreflect.ValueOf(value)
	}
	return v
}

// Ensure rules that the contract does not use yet have a reason too, and a limit where their reason has one.
func TestFieldOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		violation *protovalidate.Violation
		want      fault.Field
	}{
		{violation("string.min_len", uint64(1)), fault.Field{Reason: fault.Required}},
		{violation("string.min_len", uint64(2)), fault.Field{Reason: fault.TooShort, Limit: "2"}},
		{violation("string.min_len", nil), fault.Field{Reason: fault.TooShort}},
		{violation("bytes.min_len", uint64(3)), fault.Field{Reason: fault.TooShort, Limit: "3"}},
		{violation("string.max_len", nil), fault.Field{Reason: fault.TooLong}},
		{violation("string.in", "x"), fault.Field{Reason: fault.UnknownValue}},
		{violation("string.uuid_empty", true), fault.Field{Reason: fault.BadUUID}},
		{violation("string.email_empty", true), fault.Field{Reason: fault.BadEmail}},
		{violation("int32.gt", int32(7)), fault.Field{Reason: fault.OutOfRange, Limit: "7"}},
		{violation("int64.lt", int64(8)), fault.Field{Reason: fault.OutOfRange, Limit: "8"}},
		{violation("int64.gte_lte", int64(8)), fault.Field{Reason: fault.OutOfRange, Limit: "8"}},
		{violation("string.ip", true), fault.Field{Reason: fault.BadFormat}},
		{violation("some.new.rule", nil), fault.Field{Reason: fault.BadFormat}},
	} {
		if got := fieldOf(c.violation); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.violation.Proto.GetRuleId(), got, c.want)
		}
	}
}
