package casefile_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

var update = flag.Bool("update", false, "write docs/case-states.md anew")

// allowed are the moves of the procedure as its text gives them, written down a second time on purpose: a slip in one of
// the two tables shows.
const allowed = `
RECEIVED: ACKNOWLEDGED ASSESSMENT TAKEN_IN_CHARGE TRANSFER_PROPOSED CLOSED
ACKNOWLEDGED: INTAKE TRANSFER_PROPOSED CLOSED
INTAKE: ORIENTED INTERVIEW ASSESSMENT TRANSFER_PROPOSED CLOSED
ORIENTED: TRANSFER_PROPOSED CLOSED
INTERVIEW: ASSESSMENT TRANSFER_PROPOSED CLOSED
ASSESSMENT: INTERVIEW NOT_PERTINENT OUT_OF_COMPETENCE TAKEN_IN_CHARGE TRANSFER_PROPOSED CLOSED
NOT_PERTINENT: TRANSFER_PROPOSED CLOSED
OUT_OF_COMPETENCE: TRANSFER_PROPOSED CLOSED
TAKEN_IN_CHARGE: IN_ACTION TRANSFER_PROPOSED CLOSED
IN_ACTION: SUSPENDED ESCALATED MONITORING TRANSFER_PROPOSED CLOSED
TRANSFER_PROPOSED: TRANSFERRED CLOSED
TRANSFERRED:
ESCALATED: IN_ACTION TRANSFER_PROPOSED CLOSED
SUSPENDED: IN_ACTION TRANSFER_PROPOSED CLOSED
MONITORING: IN_ACTION TRANSFER_PROPOSED CLOSED
CLOSED: REOPENED ARCHIVED
REOPENED: ASSESSMENT IN_ACTION TRANSFER_PROPOSED CLOSED
ARCHIVED: ANONYMISED
ANONYMISED:
`

// Ensure each of the 361 pairs of states is allowed or refused as the procedure says.
func TestMay_EveryPair(t *testing.T) {
	t.Parallel()
	table := map[casefile.State]string{}
	for _, line := range strings.Split(strings.TrimSpace(allowed), "\n") {
		from, to, _ := strings.Cut(line, ":")
		table[casefile.State(from)] = to + " "
	}
	pairs := 0
	for _, from := range casefile.States() {
		for _, to := range casefile.States() {
			pairs++
			want := strings.Contains(table[from], " "+string(to)+" ")
			if got := casefile.May(from, to, ""); got != want {
				t.Errorf("%s to %s: %t, want %t", from, to, got, want)
			}
		}
	}
	if pairs != 361 {
		t.Errorf("%d pairs", pairs)
	}
}

// Ensure a refused transfer leads back to where it was proposed, and nowhere else.
func TestMay_BackFromATransfer(t *testing.T) {
	t.Parallel()
	for _, before := range casefile.States() {
		for _, to := range casefile.States() {
			want := to == casefile.Transferred || to == casefile.Closed || (to == before && before.Open() && before != casefile.TransferProposed)
			if got := casefile.May(casefile.TransferProposed, to, before); got != want {
				t.Errorf("proposed from %s, to %s: %t", before, to, got)
			}
		}
	}
}

var italian = map[casefile.State]string{
	casefile.Received: "pervenuta", casefile.Acknowledged: "presa visione", casefile.Intake: "accoglienza", casefile.Oriented: "orientamento",
	casefile.Interview: "colloquio", casefile.InAssessment: "istruttoria", casefile.NotPertinent: "non pertinente",
	casefile.OutOfCompetence: "non di competenza", casefile.TakenInCharge: "presa in carico", casefile.InAction: "trattazione",
	casefile.TransferProposed: "trasferimento proposto", casefile.Transferred: "trasferito", casefile.Escalated: "segnalato",
	casefile.Suspended: "sospeso", casefile.Monitoring: "monitoraggio", casefile.Closed: "chiuso", casefile.Reopened: "riaperto",
	casefile.Archived: "archiviato", casefile.Anonymised: "anonimizzato",
}

// Ensure docs/case-states.md is the table.
func TestDocs_CaseStates(t *testing.T) {
	t.Parallel()
	const page = "../../../../docs/case-states.md"
	var b strings.Builder
	b.WriteString("# States of a case\n\nWritten from the state machine by `make gen`. Beside the moves listed, every open state may go to `TRANSFER_PROPOSED` " +
		"(a refusal leads back) and to `CLOSED` (with an outcome). A case opens in `ASSESSMENT`, when the desk takes a report in charge.\n\n" +
		"| state | stato | open | may go to |\n|---|---|---|---|\n")
	graph := "\n```mermaid\nstateDiagram-v2\n"
	for _, from := range casefile.States() {
		var to []string
		for _, s := range casefile.States() {
			always := from.Open() && (s == casefile.TransferProposed || s == casefile.Closed)
			if casefile.May(from, s, "") && (!always || from == casefile.TransferProposed) {
				to = append(to, "`"+string(s)+"`")
				graph += fmt.Sprintf("  %s --> %s\n", from, s)
			}
		}
		open := "no"
		if from.Open() {
			open = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", from, italian[from], open, strings.Join(to, ", "))
	}
	want := b.String() + graph + "```\n"
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/case-states.md is not what the state machine says: run make gen")
	}
}
