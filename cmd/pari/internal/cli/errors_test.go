package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/fault"
)

// Ensure that an error prints each fact once, in the language of --lang, and ends with a hint.
func TestCLI_Explain(t *testing.T) {
	t.Parallel()
	invalid := func(field string, reason fault.Reason) error {
		return fault.ToStatus(fault.Invalid(fault.Field{Path: field, Reason: reason}), nil).Err()
	}
	single := fault.New(fault.NotFound)
	single.Fields = []fault.Field{{Path: "table", Reason: fault.NotFound}}
	for _, c := range []struct {
		name         string
		err          error
		as           string
		want, absent string
	}{
		{"unknown code", invalid("content.channel", fault.UnknownCode), "", "→ pari vocabulary LIST", ""},
		{"invalid id", invalid("report_id", fault.BadUUID), "", "  report_id: ", "vocabulary"},
		{"one field", fault.ToStatus(single, nil).Err(), "", "→ pari report list", "table: there is no"},
		{"not signed in", fmt.Errorf("%w as worker-cuneo", errNotSignedIn), "worker-cuneo",
			"→ pari login --as worker-cuneo", "operator"},
	} {
		var out bytes.Buffer
		shell := cli{errOut: &out, lang: "en", as: c.as}
		shell.explain(c.err)
		got := out.String()
		if !strings.Contains(got, c.want) || (c.absent != "" && strings.Contains(got, c.absent)) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
