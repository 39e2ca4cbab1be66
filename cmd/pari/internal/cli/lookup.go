package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// reportID returns the identifier of a report that is given by its identifier or its number.
func reportID(ctx context.Context, intake intakeClient, name string) (string, error) {
	number, ok := parseNumber(name)
	if !ok {
		return name, nil
	}
	resp, err := intake.ListReports(ctx, &intakev1.ListReportsRequest{Number: number, PageSize: 1})
	if err != nil {
		return "", err
	}
	for _, r := range resp.GetReports() {
		return r.GetReportId(), nil
	}
	return "", errorf("nessuna segnalazione di questo nodo ha il numero %s",
		"no report of this node has the number %s", number).withHint("pari report list")
}

// caseID returns the identifier of a case that is given by its identifier or its number.
func caseID(ctx context.Context, cases casesClient, name string) (string, error) {
	number, ok := parseNumber(name)
	if !ok {
		return name, nil
	}
	resp, err := cases.ListCases(ctx, &casemanagementv1.ListCasesRequest{Number: number, PageSize: 1})
	if err != nil {
		return "", err
	}
	for _, f := range resp.GetCases() {
		return f.GetCaseId(), nil
	}
	hint := "pari case list"
	if !strings.Contains(number, "-C-") {
		hint = "pari report show " + number
	}
	return "", errorf("nessun caso di questo nodo ha il numero %s", "no case of this node has the number %s", number).
		withHint(hint)
}

var numberPattern = regexp.MustCompile(`^([A-Z0-9]+(?:-C)?-[0-9]{4})-([0-9]{1,12})$`)

// parseNumber returns a number for people, such as CR-2026-000042, as it is written in full; ok is false for another
// name, such as an identifier. Small letters and missing zeros do not matter.
func parseNumber(name string) (number string, ok bool) {
	parts := numberPattern.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(name)))
	if parts == nil {
		return "", false
	}
	return fmt.Sprintf("%s-%06s", parts[1], parts[2]), true
}
