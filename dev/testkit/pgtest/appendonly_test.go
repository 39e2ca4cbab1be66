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
	follow := func(action string) []string { // the history of a table that the role may change
		return []string{
			`create table note (a text primary key, b text)`,
			`create table note_history (a text references note ` + action + `, b text)`, revoke,
		}
	}
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
		"cascading_delete": {
			append(follow("on delete cascade"), `revoke update on note from pari_app`), []string{"note_history"},
			"note_history: the service's role may rewrite it through note: delete true, update false",
		},
		"clearing_delete": {
			append(follow("on delete set null"), `revoke update on note from pari_app`), []string{"note_history"},
			"through note: delete true, update false",
		},
		"cascading_update": {
			append(follow("on update cascade"), `revoke update, delete on note from pari_app`,
				`grant update (a) on note to pari_app`), []string{"note_history"},
			"through note: delete false, update true",
		},
		"cascade_from_afar": {
			append(follow("on delete cascade"), `revoke update, delete on note from pari_app`,
				`create table pad (p text primary key)`,
				`alter table note add column p text references pad on delete cascade`), []string{"note_history"},
			"note_history: the service's role may rewrite it through pad: delete true, update false",
		},
		"cascade_without_privilege": {
			append(follow("on delete cascade on update cascade"), `revoke update, delete on note from pari_app`,
				`grant update (b) on note to pari_app`), []string{"note_history"}, "",
		},
		"no_cascade": {follow(""), []string{"note_history"}, ""},
		"missing":    {[]string{create, revoke}, []string{"note_history", "other"}, "1 of the tables"},
	} {
		r := &recorder{TB: t}
		pgtest.AppendOnly(r, newPool(t, "append_"+name, c.statements...), c.tables...)
		got := strings.Join(r.failures, "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", name, got, c.want)
		}
	}
}
