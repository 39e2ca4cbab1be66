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
	"all at once. A refused call stores nothing. This page is generated from the registry by `make gen`.\n"

// retries lists the reasons after which the same request may be sent again, and how.
var retries = []struct {
	reason fault.Reason
	how    string
}{
	{fault.Unavailable, "after a short pause, which doubles each time"},
	{fault.TooManyRequests, "after a second, and then at a lower rate"},
	{fault.DeadlineTooShort, "with a longer deadline, of a second or more"},
	{fault.ExpiredToken, "with a new access token"},
}

const (
	retriesIntro = "\n## What to retry\n\nAlways with the same `request_id`, so that nothing is done twice; it is " +
		"kept for 90 days. Decide by the reason, not by the gRPC code: " +
		"`MESSAGE_TOO_LARGE` has the code of `TOO_MANY_REQUESTS`.\n\n"

	retriesEnd = "- A gRPC status without `ErrorInfo` and with the code `UNAVAILABLE`, `DEADLINE_EXCEEDED` or " +
		"`CANCELLED`: the response did not arrive, and the call may have been done. Send it again.\n\n" +
		"After any other reason do not repeat the request unchanged: do what the table says. A refused call has not " +
		"used up its `request_id`.\n"
)

func retriesSection() string {
	var b strings.Builder
	b.WriteString(retriesIntro)
	for _, r := range retries {
		fmt.Fprintf(&b, "- `%s`: %s.\n", r.reason, r.how)
	}
	b.WriteString(retriesEnd)
	return b.String()
}

const errorsHeader = "| reason | code | meaning | what to do | significato | che cosa fare |\n" +
	"|---|---|---|---|---|---|\n"

func errorsPage() string {
	var b strings.Builder
	b.WriteString(errorsIntro)
	b.WriteString(retriesSection())
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
