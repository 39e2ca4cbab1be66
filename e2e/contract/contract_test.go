package contract_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/retepari/pari/e2e/contract"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	privacyv1 "github.com/retepari/pari/proto/gen/pari/privacy/v1"
)

var update = flag.Bool("update", false, "write the generated pages of docs/")

func fields(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var all []protoreflect.FieldDescriptor
	for i := range m.Fields().Len() {
		all = append(all, m.Fields().Get(i))
	}
	return all
}

// Annotations of the contract itself say how sensitive others are; they carry no class.
func isAnnotation(m protoreflect.MessageDescriptor) bool {
	return m.ParentFile().Package() == "pari.access.v1"
}

// Ensure no field goes without a privacy class.
func TestContract_EveryFieldHasAPrivacyClass(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, m := range contract.Messages() {
		if isAnnotation(m) {
			continue
		}
		for _, f := range fields(m) {
			seen++
			if contract.ClassOf(f) == privacyv1.Class_CLASS_UNSPECIFIED {
				t.Errorf("%s has no privacy class", f.FullName())
			}
		}
	}
	if seen < 150 {
		t.Fatalf("walked %d fields only: descriptors are missing", seen)
	}
}

// Ensure a field that holds a message is at least as sensitive as what is inside; responses that leave contents out by
// their view declare the class of what they then hold.
func TestContract_AFieldIsAsSensitiveAsItsContent(t *testing.T) {
	t.Parallel()
	// Holders that never carry the sensitive part, as their comments promise; the API tests prove it.
	basic := map[string]bool{
		"pari.intake.v1.ListReportsResponse.reports":       true,
		"pari.intake.v1.TakeInChargeResponse.report":       true,
		"pari.casemanagement.v1.ListCasesResponse.cases":   true,
		"pari.casemanagement.v1.OpenCaseResponse.case":     true,
		"pari.casemanagement.v1.AssessResponse.case":       true,
		"pari.casemanagement.v1.RecordActionResponse.case": true,
		"pari.casemanagement.v1.CloseCaseResponse.case":    true,
	}
	var highest func(m protoreflect.MessageDescriptor, depth int) privacyv1.Class
	highest = func(m protoreflect.MessageDescriptor, depth int) privacyv1.Class {
		top := privacyv1.Class_CLASS_UNSPECIFIED
		for _, f := range fields(m) {
			top = max(top, contract.ClassOf(f))
			if f.Message() != nil && depth < 8 && strings.HasPrefix(string(f.Message().FullName()), "pari.") {
				top = max(top, highest(f.Message(), depth+1))
			}
		}
		return top
	}
	for _, m := range contract.Messages() {
		for _, f := range fields(m) {
			if isAnnotation(m) || f.Message() == nil || basic[string(f.FullName())] || !strings.HasPrefix(string(f.Message().FullName()), "pari.") {
				continue
			}
			if inside := highest(f.Message(), 0); inside > contract.ClassOf(f) {
				t.Errorf("%s is %v but holds %v", f.FullName(), contract.ClassOf(f), inside)
			}
		}
	}
}

// Ensure nothing but public and internal data can be put into an event, a table or the directory.
func TestContract_ZonesHoldOnlyWhatBelongsThere(t *testing.T) {
	t.Parallel()
	highest := map[string]privacyv1.Class{
		"pari.events.v1":     privacyv1.Class_CLASS_INTERNAL,
		"pari.reporting.v1":  privacyv1.Class_CLASS_INTERNAL,
		"pari.directory.v1":  privacyv1.Class_CLASS_PUBLIC,
		"pari.vocabulary.v1": privacyv1.Class_CLASS_PUBLIC,
	}
	var walk func(t *testing.T, zone string, m protoreflect.MessageDescriptor, depth int)
	walk = func(t *testing.T, zone string, m protoreflect.MessageDescriptor, depth int) {
		for _, f := range fields(m) {
			if class := contract.ClassOf(f); class > highest[zone] {
				t.Errorf("%s in %s is %v", f.FullName(), zone, class)
			}
			if f.Message() != nil && depth < 8 && strings.HasPrefix(string(f.Message().FullName()), "pari.") {
				walk(t, zone, f.Message(), depth+1)
			}
		}
	}
	seen := map[string]bool{}
	for _, m := range contract.Messages() {
		zone := string(m.ParentFile().Package())
		if _, limited := highest[zone]; limited {
			seen[zone] = true
			walk(t, zone, m, 0)
		}
	}
	if len(seen) != len(highest) {
		t.Fatalf("saw %v only", seen)
	}
}

// Ensure an event cannot hold a day: no timestamp, no partial date.
func TestContract_EventsHoldNoDay(t *testing.T) {
	t.Parallel()
	for _, m := range contract.Messages() {
		if m.ParentFile().Package() != "pari.events.v1" {
			continue
		}
		for _, f := range fields(m) {
			if f.Message() == nil {
				continue
			}
			switch name := f.Message().FullName(); name {
			case "google.protobuf.Timestamp", "pari.record.v1.PartialDate":
				t.Errorf("%s holds a %s", f.FullName(), name)
			}
		}
	}
}

// Ensure every RPC says who may call it, completely.
func TestContract_EveryRPCHasARule(t *testing.T) {
	t.Parallel()
	methods := contract.Methods()
	if len(methods) < 14 {
		t.Fatalf("walked %d methods only", len(methods))
	}
	for _, m := range methods {
		rule := contract.RuleOf(m)
		switch {
		case rule == nil || len(rule.GetKinds()) == 0 || rule.GetScope() == accessv1.Scope_SCOPE_UNSPECIFIED:
			t.Errorf("%s has no complete rule", m.FullName())
		case len(rule.GetRoles()) == 0 && rule.GetScope() != accessv1.Scope_SCOPE_PUBLIC && len(rule.GetServices()) == 0:
			t.Errorf("%s asks for no role and is not public", m.FullName())
		}
	}
}

// Ensure docs/access.md is the matrix of the rules.
func TestDocs_AccessMatrix(t *testing.T) {
	t.Parallel()
	const page = "../../docs/access.md"
	want := matrix()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/access.md is not what the contract says: run make gen")
	}
}

func matrix() string {
	short := func(s, prefix string) string { return strings.ToLower(strings.TrimPrefix(s, prefix)) }
	var b strings.Builder
	b.WriteString("# Who may call what\n\nWritten from the rules in `proto/` by `make gen`; what is not listed is refused. A service " +
		"with an RPC that has no rule does not start.\n\n| RPC | callers | with one of the roles | scope |\n|---|---|---|---|\n")
	for _, m := range contract.Methods() {
		rule := contract.RuleOf(m)
		var kinds, roles []string
		for _, k := range rule.GetKinds() {
			kind := short(k.String(), "KIND_")
			if k == accessv1.Kind_KIND_SERVICE {
				kind += " (" + strings.Join(rule.GetServices(), ", ") + ")"
			}
			kinds = append(kinds, kind)
		}
		for _, r := range rule.GetRoles() {
			roles = append(roles, short(r.String(), "ROLE_"))
		}
		if len(roles) == 0 {
			roles = []string{"none needed"}
		}
		fmt.Fprintf(&b, "| `%s.%s` | %s | %s | %s |\n", m.Parent().Name(), m.Name(), strings.Join(kinds, ", "),
			strings.Join(roles, ", "), short(rule.GetScope().String(), "SCOPE_"))
	}
	return b.String()
}
