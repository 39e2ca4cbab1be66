package pgtest_test

import (
	"strings"
	"testing"

	"github.com/retepari/pari/dev/testkit/pgtest"
)

// Ensure a table that the service's role may change is reported, as are one that is not named and one that is missing.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	const (
		create = `create table note_history (a text, b text)`
		revoke = `revoke update, delete on note_history from pari_app`
	)
	for name, c := range map[string]struct {
		statements, tables []string
		want               string
	}{
		"complete":   {[]string{create, revoke}, []string{"note_history"}, ""},
		"rewritable": {[]string{create}, []string{"note_history"}, "update true, delete true"},
		"one_column": {
			[]string{create, revoke, `grant update (b) on note_history to pari_app`}, []string{"note_history"},
			"update true, delete false",
		},
		"deletable": {
			[]string{create, revoke, `grant delete on note_history to pari_app`}, []string{"note_history"},
			"update false, delete true",
		},
		"not_named": {[]string{create, revoke}, nil, "should be named"},
		"missing":   {[]string{create, revoke}, []string{"note_history", "other"}, "1 of the tables"},
	} {
		r := &recorder{TB: t}
		pgtest.AppendOnly(r, newPool(t, "append_"+name, c.statements...), c.tables...)
		got := strings.Join(r.failures, "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", name, got, c.want)
		}
	}
}
