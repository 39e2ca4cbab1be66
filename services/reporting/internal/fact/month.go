package fact

import "fmt"

// Month is the finest date that leaves a node. The zero Month is unknown.
type Month struct {
	Year  int
	Month int // 1-12
}

// Known reports whether the month is known.
func (m Month) Known() bool { return m != Month{} }

// String returns for instance "2026-03", and "" for an unknown month.
func (m Month) String() string {
	if !m.Known() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d", m.Year, m.Month)
}

func (m Month) valid() bool {
	return m.Year >= 1900 && m.Year <= 2200 && m.Month >= 1 && m.Month <= 12
}
