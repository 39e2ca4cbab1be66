package main

import (
	"regexp"
	"strings"
)

type span struct{ from, to int }

var (
	where     = regexp.MustCompile(`(?i)\bwhere\s+`)
	clauseEnd = regexp.MustCompile(
		`(?i)^\s*(order by|group by|limit|returning|for (no key )?update|on conflict|union|having)\b`)
	and     = regexp.MustCompile(`(?i)^\s+and\s+`)
	between = regexp.MustCompile(`(?i)\bbetween\s+\S+$`)
)

// conjuncts returns the parts of each WHERE clause of a statement that are joined by AND. It needs no more of SQL than
// parentheses and the words that end a clause. A part that the text holds only in part, because a Go expression
// continues it, is left out.
func conjuncts(sql string) []span {
	var all []span
	add := func(from, to int) {
		part := trimmed(sql, from, to)
		text := sql[part.from:part.to]
		if text != "" && strings.Count(text, "(") == strings.Count(text, ")") {
			all = append(all, part)
		}
	}
	for _, w := range where.FindAllStringIndex(sql, -1) {
		depth, from, i := 0, w[1], w[1]
		for ; i < len(sql) && depth >= 0; i++ {
			switch sql[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth != 0 {
				if depth < 0 {
					break
				}
				continue
			}
			if i > from && !isWord(sql[i-1]) && clauseEnd.MatchString(sql[i:]) {
				break
			}
			m := and.FindString(sql[i:])
			if m != "" && !between.MatchString(strings.TrimSpace(sql[from:i])) {
				add(from, i)
				i += len(m) - 1
				from = i + 1
			}
		}
		add(from, min(i, len(sql)))
	}
	return all
}

// isWord reports whether a byte may be part of a name.
func isWord(b byte) bool {
	return b == '_' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// trimmed is a span without surrounding white space and a parenthesis that closes the clause.
func trimmed(sql string, from, to int) span {
	for from < to && strings.ContainsRune(" \t\n", rune(sql[from])) {
		from++
	}
	for from < to && strings.ContainsRune(" \t\n;", rune(sql[to-1])) {
		to--
	}
	if strings.Count(sql[from:to], ")") > strings.Count(sql[from:to], "(") {
		to--
	}
	return span{from, to}
}
