package nodeservice

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/retepari/pari/pkg/tenant"
)

// WriteCases writes the list of a tenant's cases that case management gives to intake after a restore: the tenant, and
// on a line for each report its id and that of its case.
func WriteCases(w io.Writer, t tenant.ID, caseByReport map[string]string) error {
	out := bufio.NewWriter(w)
	_, _ = fmt.Fprintln(out, t)
	for _, reportID := range slices.Sorted(maps.Keys(caseByReport)) {
		_, _ = fmt.Fprintln(out, reportID, caseByReport[reportID])
	}
	return out.Flush()
}

// ReadCases reads what WriteCases has written for a tenant.
func ReadCases(r io.Reader, t tenant.ID) (caseByReport map[string]string, err error) {
	lines := bufio.NewScanner(r)
	if !lines.Scan() || lines.Text() != t.String() {
		return nil, fmt.Errorf("list of cases: not that of %s", t)
	}
	caseByReport = map[string]string{}
	for n := 2; lines.Scan(); n++ {
		reportID, caseID, _ := strings.Cut(lines.Text(), " ")
		if uuid.Validate(reportID) != nil || uuid.Validate(caseID) != nil {
			return nil, fmt.Errorf("list of cases: line %d does not name a report and its case", n)
		}
		caseByReport[reportID] = caseID
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list of cases: %w", err)
	}
	return caseByReport, nil
}
