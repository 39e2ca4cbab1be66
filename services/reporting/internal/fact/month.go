package fact

import "fmt"

// Month is the finest date that leaves a node. The zero Month is "not known".
type Month struct {
	Year  int
	Month int // 1-12
}

// Known tells whether there is a month at all.
func (m Month) Known() bool { return m != Month{} }

// String writes 2026-03, and nothing for a month that is not known.
func (m Month) String() string {
	if !m.Known() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d", m.Year, m.Month)
}

func (m Month) valid() bool {
	return m.Year >= 1900 && m.Year <= 2200 && m.Month >= 1 && m.Month <= 12
}
