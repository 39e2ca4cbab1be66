package pgtest_test

import (
	"strings"
	"testing"

	"github.com/retepari/pari/dev/testkit/pgtest"
)

// Ensure a foreign key is reported whose look-ups would use another index, and a schema without any.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	const (
		create  = `create table note (node text, id uuid, day date, body char(2000), unique (node, id))`
		history = `create table note_history (node text, id uuid, foreign key (node, id) references note (node, id))`
		order   = `create index note_order on note (node, day, id)`
	)
	for name, c := range map[string]struct {
		statements []string
		want       string
	}{
		"complete":  {[]string{create, history}, ""},
		"tempting":  {[]string{create, history, order}, "note_history_node_id_fkey of note_history"},
		"unrelated": {[]string{create, history, `create index note_day on note (day, node)`}, ""},
		"none":      {[]string{create}, "no foreign key"},
	} {
		r := &recorder{TB: t}
		pgtest.ForeignKeys(r, newDB(t, "fk_"+name, c.statements...))
		got := strings.Join(r.failures, "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", name, got, c.want)
		}
	}
}
