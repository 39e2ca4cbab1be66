package casefile_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

var update = flag.Bool("update", false, "generate docs/case-states.md")

// allowed repeats the transitions of the case procedure on purpose, so that a slip in one of the two tables is found.
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

// Ensure each of the 361 pairs of states is allowed or forbidden as the procedure has it.
func TestCanTransition_EveryPair(t *testing.T) {
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
			if got := casefile.CanTransition(from, to, ""); got != want {
				t.Errorf("%s to %s: %t, want %t", from, to, got, want)
			}
		}
	}
	if pairs != 361 {
		t.Errorf("%d pairs", pairs)
	}
}

// Ensure a refused transfer leads back to the state in which it was proposed, and to no other.
func TestCanTransition_BackFromATransfer(t *testing.T) {
	t.Parallel()
	for _, previous := range casefile.States() {
		for _, to := range casefile.States() {
			back := to == previous && previous.IsOpen() && previous != casefile.TransferProposed
			want := to == casefile.Transferred || to == casefile.Closed || back
			if got := casefile.CanTransition(casefile.TransferProposed, to, previous); got != want {
				t.Errorf("proposed in %s, to %s: %t", previous, to, got)
			}
		}
	}
}

var italian = map[casefile.State]string{
	casefile.Received: "pervenuta", casefile.Acknowledged: "presa visione", casefile.Intake: "accoglienza",
	casefile.Oriented: "orientamento", casefile.Interview: "colloquio", casefile.InAssessment: "istruttoria",
	casefile.NotPertinent: "non pertinente", casefile.OutOfCompetence: "non di competenza",
	casefile.TakenInCharge: "presa in carico", casefile.InAction: "trattazione",
	casefile.TransferProposed: "trasferimento proposto", casefile.Transferred: "trasferito",
	casefile.Escalated: "segnalato", casefile.Suspended: "sospeso", casefile.Monitoring: "monitoraggio",
	casefile.Closed: "chiuso", casefile.Reopened: "riaperto", casefile.Archived: "archiviato",
	casefile.Anonymised: "anonimizzato",
}

const docsHeader = "# States of a case\n\n" +
	"Generated from the state machine by `make gen`. Besides the transitions listed, every open state has one to " +
	"`TRANSFER_PROPOSED` (a refusal leads back) and one to `CLOSED` (with an outcome). A case opens in `ASSESSMENT`, " +
	"when the desk takes a report in charge.\n\n" +
	"| state | stato | open | transitions to |\n|---|---|---|---|\n"

// renderDocs returns docs/case-states.md.
func renderDocs() string {
	table, graph := docsHeader, "\n```mermaid\nstateDiagram-v2\n"
	for _, from := range casefile.States() {
		var to []string
		for _, s := range casefile.States() {
			always := from.IsOpen() && (s == casefile.TransferProposed || s == casefile.Closed)
			if casefile.CanTransition(from, s, "") && (!always || from == casefile.TransferProposed) {
				to = append(to, "`"+string(s)+"`")
				graph += fmt.Sprintf("  %s --> %s\n", from, s)
			}
		}
		open := "no"
		if from.IsOpen() {
			open = "yes"
		}
		table += fmt.Sprintf("| `%s` | %s | %s | %s |\n", from, italian[from], open, strings.Join(to, ", "))
	}
	return table + graph + "```\n"
}

// Ensure docs/case-states.md is up to date.
func TestDocs_CaseStates(t *testing.T) {
	t.Parallel()
	const page = "../../../../docs/case-states.md"
	want := renderDocs()
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
		t.Error("docs/case-states.md is out of date: run make gen")
	}
}
