package contract_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// isAnnotation reports whether a message belongs to the access annotations, which have no privacy class themselves.
func isAnnotation(m protoreflect.MessageDescriptor) bool {
	return m.ParentFile().Package() == "pari.access.v1"
}

// Ensure that every field has a privacy class.
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
		t.Fatalf("only %d fields: descriptors are missing", seen)
	}
}

// Ensure that a message field has at least the class of the fields inside it.
func TestContract_FieldIsAsSensitiveAsItsContent(t *testing.T) {
	t.Parallel()
	// These responses leave the sensitive fields empty. Tests of the API check that.
	basicView := map[string]bool{
		"pari.intake.v1.ListReportsResponse.reports":       true,
		"pari.intake.v1.TakeInChargeResponse.report":       true,
		"pari.casemanagement.v1.ListCasesResponse.cases":   true,
		"pari.casemanagement.v1.OpenCaseResponse.case":     true,
		"pari.casemanagement.v1.AssessResponse.case":       true,
		"pari.casemanagement.v1.RecordActionResponse.case": true,
		"pari.casemanagement.v1.CloseCaseResponse.case":    true,
	}
	for _, m := range contract.Messages() {
		for _, f := range fields(m) {
			if isAnnotation(m) || !holdsOwnMessage(f) || basicView[string(f.FullName())] {
				continue
			}
			if inside := highestClass(f.Message(), 0); inside > contract.ClassOf(f) {
				t.Errorf("%s is %v but holds %v", f.FullName(), contract.ClassOf(f), inside)
			}
		}
	}
}

// maxDepth ends the walk through recursive messages.
const maxDepth = 8

// holdsOwnMessage reports whether a field holds a message of the contract.
func holdsOwnMessage(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && strings.HasPrefix(string(f.Message().FullName()), "pari.")
}

// highestClass returns the highest class of a message's fields, at any depth.
func highestClass(m protoreflect.MessageDescriptor, depth int) privacyv1.Class {
	highest := privacyv1.Class_CLASS_UNSPECIFIED
	for _, f := range fields(m) {
		highest = max(highest, contract.ClassOf(f))
		if holdsOwnMessage(f) && depth < maxDepth {
			highest = max(highest, highestClass(f.Message(), depth+1))
		}
	}
	return highest
}

// Ensure that every package of the contract is linked into these tests.
func TestContract_Complete(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("../../proto/pari/*/v1")
	if err != nil || len(dirs) < 9 {
		t.Fatalf("only %v, %v", dirs, err)
	}
	for _, dir := range dirs {
		protos, err := filepath.Glob(filepath.Join(dir, "*.proto"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range protos {
			name, _ := strings.CutPrefix(filepath.ToSlash(path), "../../proto/")
			linked := func(f protoreflect.FileDescriptor) bool { return f.Path() == name }
			if !slices.ContainsFunc(contract.Files(), linked) {
				t.Errorf("%s is not linked: import its package in contract.go", name)
			}
		}
	}
}

// Ensure that events and tables hold only public and internal data, and the directory only public data.
func TestContract_ZonesLimitClasses(t *testing.T) {
	t.Parallel()
	limits := map[string]privacyv1.Class{
		"pari.events.v1":     privacyv1.Class_CLASS_INTERNAL,
		"pari.feed.v1":       privacyv1.Class_CLASS_INTERNAL,
		"pari.reporting.v1":  privacyv1.Class_CLASS_INTERNAL,
		"pari.directory.v1":  privacyv1.Class_CLASS_PUBLIC,
		"pari.vocabulary.v1": privacyv1.Class_CLASS_PUBLIC,
	}
	var walk func(t *testing.T, zone string, m protoreflect.MessageDescriptor, depth int)
	walk = func(t *testing.T, zone string, m protoreflect.MessageDescriptor, depth int) {
		for _, f := range fields(m) {
			if class := contract.ClassOf(f); class > limits[zone] {
				t.Errorf("%s in %s is %v", f.FullName(), zone, class)
			}
			if holdsOwnMessage(f) && depth < maxDepth {
				walk(t, zone, f.Message(), depth+1)
			}
		}
	}
	seen := map[string]bool{}
	for _, m := range contract.Messages() {
		zone := string(m.ParentFile().Package())
		if _, limited := limits[zone]; limited {
			seen[zone] = true
			walk(t, zone, m, 0)
		}
	}
	if len(seen) != len(limits) {
		t.Fatalf("only the zones %v", seen)
	}
}

// Ensure that nothing on the feed holds a day: neither a timestamp nor a partial date.
func TestContract_EventsHoldNoDay(t *testing.T) {
	t.Parallel()
	for _, m := range contract.Messages() {
		if p := m.ParentFile().Package(); p != "pari.events.v1" && p != "pari.feed.v1" {
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

// Ensure that every RPC has a complete access rule.
func TestContract_EveryRPCHasARule(t *testing.T) {
	t.Parallel()
	methods := contract.Methods()
	if len(methods) < 14 {
		t.Fatalf("only %d methods: descriptors are missing", len(methods))
	}
	for _, m := range methods {
		rule := contract.RuleOf(m)
		switch {
		case rule == nil || len(rule.GetKinds()) == 0 || rule.GetScope() == accessv1.Scope_SCOPE_UNSPECIFIED:
			t.Errorf("%s has no complete rule", m.FullName())
		case rule.GetScope() == accessv1.Scope_SCOPE_PUBLIC:
		case len(rule.GetRoles()) == 0 && len(rule.GetServices()) == 0:
			t.Errorf("%s needs no role and is not public", m.FullName())
		}
	}
}

// Ensure that docs/access.md is generated from the access rules.
func TestDocs_AccessMatrix(t *testing.T) {
	t.Parallel()
	checkPage(t, "access.md", accessPage())
}

// checkPage compares a page of docs/ with its generated text. With -update it writes the page first.
func checkPage(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", name)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/%s is out of date: run make gen", name)
	}
}

func accessPage() string {
	shorten := func(s, prefix string) string { return strings.ToLower(strings.TrimPrefix(s, prefix)) }
	var b strings.Builder
	b.WriteString("# Who may call what\n\n" +
		"Written from the rules in `proto/` by `make gen`; what is not listed is refused. " +
		"A service with an RPC that has no rule does not start.\n\n" +
		"A grant for an office (`office:` in the files of grants and issuers) gives nothing yet: no method decides " +
		"by office. A role in this table needs a grant for the whole tenant.\n\n" +
		"| RPC | callers | with one of the roles | scope |\n|---|---|---|---|\n")
	for _, m := range contract.Methods() {
		rule := contract.RuleOf(m)
		var kinds, roles []string
		for _, k := range rule.GetKinds() {
			kind := shorten(k.String(), "KIND_")
			if k == accessv1.Kind_KIND_SERVICE {
				kind += " (" + strings.Join(rule.GetServices(), ", ") + ")"
			}
			kinds = append(kinds, kind)
		}
		for _, r := range rule.GetRoles() {
			roles = append(roles, shorten(r.String(), "ROLE_"))
		}
		if len(roles) == 0 {
			roles = []string{"none needed"}
		}
		fmt.Fprintf(&b, "| `%s.%s` | %s | %s | %s |\n", m.Parent().Name(), m.Name(), strings.Join(kinds, ", "),
			strings.Join(roles, ", "), shorten(rule.GetScope().String(), "SCOPE_"))
	}
	return b.String()
}

// rpcComment matches an RPC of a file of the contract with its comment.
var rpcComment = regexp.MustCompile(`(?m)((?:^  //.*\n)+)  rpc (\w+)\(`)

// Ensure that each RPC with fields in its request lists INVALID_REQUEST among its errors.
func TestContract_ErrorsNameInvalidRequest(t *testing.T) {
	t.Parallel()
	comments := map[string]string{}
	files, err := filepath.Glob("../../proto/pari/*/v1/*_service.proto")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range rpcComment.FindAllStringSubmatch(string(raw), -1) {
			comments[found[2]] = found[1]
		}
	}
	for _, m := range contract.Methods() {
		comment, ok := comments[string(m.Name())]
		if !ok {
			t.Errorf("%s has no comment", m.FullName())
		}
		_, errorList, _ := strings.Cut(comment, "  // Errors: ")
		if m.Input().Fields().Len() > 0 && !strings.Contains(errorList, "INVALID_REQUEST") {
			t.Errorf("the comment of %s does not list INVALID_REQUEST", m.FullName())
		}
	}
}
