package contract_test

import (
	"cmp"
	"regexp"
	"slices"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/e2e/contract"
	textv1 "github.com/retepari/pari/proto/gen/pari/text/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// requestFields returns the fields of all requests, at any depth, each once.
func requestFields() []protoreflect.FieldDescriptor {
	var all []protoreflect.FieldDescriptor
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for _, f := range fields(m) {
			all = append(all, f)
			if f.Message() != nil {
				walk(f.Message())
			}
		}
	}
	for _, m := range contract.Methods() {
		walk(m.Input())
	}
	return all
}

// textRules are the rules of the contract for a string, or for each string of a list.
type textRules struct {
	pattern  string
	maxLen   uint64
	maxItems uint64
	// closed is true for UUIDs, e-mail addresses and lists of values.
	closed bool
}

func textRulesOf(t *testing.T, f protoreflect.FieldDescriptor) textRules {
	t.Helper()
	rules, err := protovalidate.ResolveFieldRules(f)
	if err != nil {
		t.Fatal(err)
	}
	r := rules.GetString()
	if f.IsList() {
		r = rules.GetRepeated().GetItems().GetString()
	}
	return textRules{
		pattern: r.GetPattern(), maxLen: r.GetMaxLen(), maxItems: rules.GetRepeated().GetMaxItems(),
		closed: r.GetUuid() || r.GetEmail() || len(r.GetIn()) > 0,
	}
}

// Ensure every string of a request has a rule: a code list, a form, or a length, and a kind of text where one line is
// not what people write. Maps are not checked by the services, so requests have none.
func TestContract_EveryTextHasARule(t *testing.T) {
	t.Parallel()
	seen := map[textv1.Kind]int{}
	for _, f := range requestFields() {
		if f.IsMap() {
			t.Errorf("%s is a map", f.FullName())
		}
		if f.Kind() != protoreflect.StringKind {
			continue
		}
		r, kind := textRulesOf(t, f), contract.TextOf(f)
		seen[kind]++
		onlyDates := r.pattern != "" && !matches(t, r.pattern, "a") && !matches(t, r.pattern, "123")
		isDate := onlyDates && matches(t, r.pattern, "2026-01-31")
		isMonth := onlyDates && matches(t, r.pattern, "2026-01")
		switch {
		case kind == textv1.Kind_KIND_DATE && !isDate && !isMonth:
			t.Errorf("%s is a date without a pattern", f.FullName())
		case kind != textv1.Kind_KIND_DATE && (isDate || isMonth):
			t.Errorf("%s has the form of a date, and another kind", f.FullName())
		case kind == textv1.Kind_KIND_FREE && (r.maxLen == 0 || r.pattern != "" || contract.ListOf(f) != ""):
			t.Errorf("%s is free text without a length, or with a form", f.FullName())
		case kind != textv1.Kind_KIND_FREE && r.maxLen >= 1000:
			t.Errorf("%s is as long as free text, and of another kind", f.FullName())
		case contract.ListOf(f) == "" && !r.closed && r.pattern == "" && r.maxLen == 0:
			t.Errorf("%s has no rule", f.FullName())
		}
	}
	lines, free, dates := textv1.Kind_KIND_UNSPECIFIED, textv1.Kind_KIND_FREE, textv1.Kind_KIND_DATE
	if seen[lines] < 100 || seen[free] < 10 || seen[dates] < 20 {
		t.Fatalf("only %v", seen)
	}
}

func matches(t *testing.T, pattern, s string) bool {
	t.Helper()
	ok, err := regexp.MatchString(pattern, s)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// Ensure the date that a code is checked by is a date beside it.
func TestContract_AsOfNamesADate(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, f := range requestFields() {
		name, _ := proto.GetExtension(f.Options(), vocabularyv1.E_AsOf).(string)
		if name == "" {
			continue
		}
		seen++
		date := f.ContainingMessage().Fields().ByName(protoreflect.Name(name))
		if date == nil || date.Message() == nil || date.Message().ParentFile().Package() != "pari.record.v1" ||
			date.Message().Fields().ByName("year") == nil {
			t.Errorf("%s: %s is no date", f.FullName(), name)
		}
	}
	if seen < 4 {
		t.Fatalf("only %d fields", seen)
	}
}

// longestWithoutMax is a generous length of a string without a maximum: a code, a UUID or what a pattern allows.
const longestWithoutMax = 100

// largest returns the encoded size of a message whose texts and lists have all that the contract promises, in
// characters of four bytes.
func largest(t *testing.T, m protoreflect.MessageDescriptor, depth int) (size uint64) {
	t.Helper()
	const overhead = 12 // of a tag and a length, or a number
	for _, f := range fields(m) {
		one := uint64(overhead)
		rules, err := protovalidate.ResolveFieldRules(f)
		if err != nil || depth > maxDepth {
			t.Fatal(f.FullName(), err)
		}
		switch {
		case f.Message() != nil:
			one += largest(t, f.Message(), depth+1)
		case f.Kind() == protoreflect.StringKind:
			one += cmp.Or(4*textRulesOf(t, f).maxLen, longestWithoutMax)
		}
		if f.IsList() {
			one *= cmp.Or(rules.GetRepeated().GetMaxItems(), 1)
		}
		size += one
	}
	return size
}

// Ensure a request may have all characters that the contract promises, in any script: the limit of its method in bytes
// does not refuse it.
func TestContract_PromisedTextsFit(t *testing.T) {
	t.Parallel()
	// The comments of these promise bytes.
	inBytes := map[protoreflect.Name]bool{"ProposeChanges": true, "ReadDocument": true}
	for _, m := range contract.Methods() {
		limit := cmp.Or(uint64(contract.RuleOf(m).GetMaxRequestBytes()), 64<<10)
		if inBytes[m.Name()] {
			continue
		}
		if size := largest(t, m.Input(), 0); size > limit {
			t.Errorf("%s: a request has up to %d bytes, and %d are accepted", m.FullName(), size, limit)
		}
	}
}

// Ensure that no request is taken for another because a program never set its id: the UUID of zeros is refused.
func TestContract_RequestIDsAreNotZero(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, f := range requestFields() {
		rules, err := protovalidate.ResolveFieldRules(f)
		if err != nil {
			t.Fatal(err)
		}
		excluded := rules.GetString().GetNotIn()
		if f.Name() != "request_id" {
			if len(excluded) > 0 {
				t.Errorf("%s: package validate says that an excluded text is a UUID", f.FullName())
			}
			continue
		}
		seen++
		if !rules.GetString().GetUuid() || !slices.Equal(excluded, []string{uuid.Nil.String()}) {
			t.Errorf("%s accepts the UUID of zeros", f.FullName())
		}
	}
	if seen < 8 {
		t.Fatalf("only %d request ids: descriptors are missing", seen)
	}
}
