package contract_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/fault"
	_ "github.com/retepari/pari/services/casemanagement/app" // registers its reasons
	_ "github.com/retepari/pari/services/directory/app"      // registers its reasons
	_ "github.com/retepari/pari/services/intake/app"         // registers its reasons
	_ "github.com/retepari/pari/services/reporting/app"      // registers its reasons
)

// Ensure docs/errors.md lists every reason that a service can refuse with.
func TestDocs_Errors(t *testing.T) {
	t.Parallel()
	const page = "../../docs/errors.md"
	want := errorsPage()
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
		t.Error("docs/errors.md is not what the registry says: run make gen")
	}
}

func errorsPage() string {
	var b strings.Builder
	b.WriteString("# Errors\n\nEvery refusal carries a gRPC code, an English message, and as details `google.rpc.ErrorInfo` " +
		"(`reason`, domain `pari`), `google.rpc.LocalizedMessage` (Italian) and, for `INVALID_REQUEST`, `google.rpc.BadRequest`: " +
		"the path, the reason and both texts of every field at fault, all at once. A refused call stores nothing.\n\n" +
		"Retry `UNAVAILABLE` with the same `request_id`; nothing is done twice. Do not retry anything else unchanged. " +
		"This page is generated from the registry by `make gen`.\n")
	section := "-"
	for _, e := range fault.Reasons() {
		if e.Service != section {
			section = e.Service
			title := "Every service"
			if section != "" {
				title = "`" + section + "`"
			}
			b.WriteString("\n## " + title + "\n\n| reason | code | meaning | what to do | significato | che cosa fare |\n|---|---|---|---|---|---|\n")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", e.Reason, e.Code, e.English, e.FixEnglish, e.Italian, e.FixItalian)
	}
	return b.String()
}
