package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/fault"
)

// Ensure an error says each thing once, in the language that was asked for, and ends with what mends it.
func TestExplain(t *testing.T) {
	t.Parallel()
	single := fault.New(fault.NotFound)
	single.Fields = []fault.Field{{Path: "table", Reason: fault.NotFound}}
	for _, c := range []struct {
		name       string
		err        error
		as         string
		want, lack string
	}{
		{"a code that is none", fault.ToStatus(fault.Invalid(fault.Field{Path: "content.channel", Reason: fault.UnknownCode}), nil).Err(), "", "→ pari vocabulary LIST", ""},
		{"an id that is none", fault.ToStatus(fault.Invalid(fault.Field{Path: "report_id", Reason: fault.BadUUID}), nil).Err(), "", "  report_id: ", "vocabulary"},
		{"one field", fault.ToStatus(single, nil).Err(), "", "→ pari report list", "table: there is no"},
		{"somebody who is not signed in", fmt.Errorf("%w as worker-cuneo", errNotSignedIn), "worker-cuneo", "→ pari login --as worker-cuneo", "operator"},
	} {
		var out bytes.Buffer
		shell := cli{errOut: &out, lang: "en", as: c.as}
		shell.explain(c.err)
		if got := out.String(); !strings.Contains(got, c.want) || (c.lack != "" && strings.Contains(got, c.lack)) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
