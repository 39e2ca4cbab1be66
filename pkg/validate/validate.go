// Package validate finds what is wrong with a message by the rules of its contract. It promises a reason for every
// violation, with the limit where the rule has one, and never quotes the content.
package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/text"
)

// Message returns the fields of a message that violate the rules of the contract, among them the kinds of its texts.
func Message(v protovalidate.Validator, m proto.Message) (fields []fault.Field, err error) {
	if err := v.Validate(m); err != nil {
		var invalid *protovalidate.ValidationError
		if !errors.As(err, &invalid) {
			return nil, fmt.Errorf("validate: %w", err)
		}
		for _, v := range invalid.Violations {
			fields = append(fields, fieldOf(v))
		}
	}
	for _, f := range text.Violations(m) {
		if !slices.ContainsFunc(fields, func(other fault.Field) bool { return other.Path == f.Path }) {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// ruleReasons are the reasons by rule id: protovalidate's own ids, and those of our CEL rules.
var ruleReasons = map[string]fault.Reason{
	"required": fault.Required, "string.min_len": fault.TooShort, "bytes.min_len": fault.TooShort,
	"string.max_len": fault.TooLong, "string.pattern": fault.BadFormat,
	"string.uuid": fault.BadUUID, "string.uuid_empty": fault.BadUUID,
	"string.not_in": fault.BadUUID, // the one excluded text is the UUID of zeros
	"string.email":  fault.BadEmail, "string.email_empty": fault.BadEmail,
	"repeated.min_items": fault.TooFew, "repeated.max_items": fault.TooMany, "repeated.unique": fault.NotUnique,
	"enum.defined_only": fault.UnknownValue, "enum.not_in": fault.Required, "string.in": fault.UnknownValue,
	"date.impossible": fault.ImpossibleDate, "date.future": fault.FutureDate, "date.incomplete": fault.IncompleteDate,
}

func fieldOf(v *protovalidate.Violation) fault.Field {
	f := fault.Field{Path: protovalidate.FieldPathString(v.Proto.GetField())}
	id := v.Proto.GetRuleId()
	reason, known := ruleReasons[id]
	switch {
	case known:
		f.Reason = reason
	case strings.HasPrefix(id, "int32.") || strings.HasPrefix(id, "int64."):
		f.Reason = fault.OutOfRange
	default:
		f.Reason = fault.BadFormat
	}
	if f.Reason == fault.TooShort && v.RuleValue.IsValid() && v.RuleValue.Uint() == 1 {
		f.Reason = fault.Required
	}
	switch f.Reason { //nolint:exhaustive // the others have no limit
	case fault.TooLong, fault.TooMany, fault.TooFew, fault.TooShort, fault.OutOfRange:
		if v.RuleValue.IsValid() {
			f.Limit = v.RuleValue.String()
		}
		if bounds := rangeOf(v); bounds != "" {
			f.Limit = bounds
		}
	}
	return f
}

// rangeOf returns both bounds of a number, where the contract gives both; the violated rule names only one.
func rangeOf(v *protovalidate.Violation) string {
	if !strings.HasSuffix(v.Proto.GetRuleId(), ".gte_lte") || v.FieldDescriptor == nil {
		return ""
	}
	rules, err := protovalidate.ResolveFieldRules(v.FieldDescriptor)
	if err != nil {
		return ""
	}
	if r := rules.GetInt64(); r != nil {
		return fmt.Sprintf("%d-%d", r.GetGte(), r.GetLte())
	}
	return fmt.Sprintf("%d-%d", rules.GetInt32().GetGte(), rules.GetInt32().GetLte())
}
