package main

import (
	"slices"
	"testing"
)

// Ensure the parts of WHERE clauses are found, whole and without what follows the clause.
func TestConjuncts(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"select a from x":                               nil,
		"select a from x where a = 1":                   {"a = 1"},
		"select a from x where a = 1;":                  {"a = 1"},
		"SELECT a FROM x WHERE a = 1 AND b = 2":         {"a = 1", "b = 2"},
		"delete from x\nwhere a = 1\n\tand b\n":         {"a = 1", "b"},
		"update x set a = 1 where b = 2 returning c":    {"b = 2"},
		"select a from x where b order by c limit 1":    {"b"},
		"select a from x where b limit 1":               {"b"},
		"select a from x where b group by a having c":   {"b"},
		"select a from x where b for update":            {"b"},
		"select a from x where b for no key update":     {"b"},
		"insert into x select 1 where b on conflict c":  {"b"},
		"select a where b union select c where d":       {"b", "d"},
		"select a from x where a = 1 or b = 2":          {"a = 1 or b = 2"},
		"select a from x where (a = 1 and b = 2) and c": {"(a = 1 and b = 2)", "c"},
		"select a where a between $1 and $2 and b":      {"a between $1 and $2", "b"},
		"select a where trade_union = 1 and rate_limit": {"trade_union = 1", "rate_limit"},
		"select a where b in (select c where d and e) and f": {
			"b in (select c where d and e)", "f", "d", "e"},
		"with y as (select a where b) select c where d": {"b", "d"},
		"where f(a, (b)) = 1 and c":                     {"f(a, (b)) = 1", "c"},
		// The text ends where a Go expression continues it.
		"select a where b and ":                {"b"},
		"select a where ":                      nil,
		"select a where b and exists (select ": {"b"},
	} {
		var got []string
		for _, c := range conjuncts(sql) {
			got = append(got, sql[c.from:c.to])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", sql, got, want)
		}
	}
}
