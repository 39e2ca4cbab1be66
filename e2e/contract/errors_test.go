package contract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/fault"
	_ "github.com/retepari/pari/services/casemanagement/app" // registers its reasons
	_ "github.com/retepari/pari/services/directory/app"      // registers its reasons
	_ "github.com/retepari/pari/services/intake/app"         // registers its reasons
	_ "github.com/retepari/pari/services/reporting/app"      // registers its reasons
)

// Ensure that docs/errors.md is generated from the registered reasons of all services.
func TestDocs_Errors(t *testing.T) {
	t.Parallel()
	checkPage(t, "errors.md", errorsPage())
}

const errorsIntro = "# Errors\n\nEvery refusal carries a gRPC code, an English message, and as details " +
	"`google.rpc.ErrorInfo` (`reason`, domain `pari`), `google.rpc.LocalizedMessage` (Italian) and, for " +
	"`INVALID_REQUEST`, `google.rpc.BadRequest`: the path, the reason and both texts of every field at fault, " +
	"all at once. A refused call stores nothing.\n\n" +
	"Retry `UNAVAILABLE` with the same `request_id`; nothing is done twice. Do not retry anything else unchanged. " +
	"This page is generated from the registry by `make gen`.\n"

const errorsHeader = "| reason | code | meaning | what to do | significato | che cosa fare |\n" +
	"|---|---|---|---|---|---|\n"

func errorsPage() string {
	var b strings.Builder
	b.WriteString(errorsIntro)
	section := "-"
	for _, e := range fault.Reasons() {
		if e.Service != section {
			section = e.Service
			title := "Every service"
			if section != "" {
				title = "`" + section + "`"
			}
			b.WriteString("\n## " + title + "\n\n" + errorsHeader)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n",
			e.Reason, e.Code, e.English, e.FixEnglish, e.Italian, e.FixItalian)
	}
	return b.String()
}
