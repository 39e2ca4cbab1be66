package cli

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/retepari/pari/pkg/number"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// reportID returns the identifier of a report that is given by its identifier or its number.
func reportID(ctx context.Context, intake intakeClient, name string) (string, error) {
	number, ok, err := parseNumber(name)
	if !ok {
		return name, err
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
	number, ok, err := parseNumber(name)
	if !ok {
		return name, err
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

// parseNumber returns a number for people, such as CR-2026-K7Q4M-V, as it is written in full; ok is false for an
// identifier. A text that is neither is an error.
func parseNumber(name string) (text string, ok bool, err error) {
	if n, err := number.Parse(name); err == nil {
		return n.String(), true, nil
	}
	if uuid.Validate(name) == nil {
		return "", false, nil
	}
	return "", false, errorf(
		"%q non è un numero né un identificativo: ricontrollalo carattere per carattere, come CR-2026-K7Q4M-V",
		"%q is neither a number nor an identifier: check it character by character, as in CR-2026-K7Q4M-V", name)
}
