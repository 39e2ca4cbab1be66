package e2e_test

import "slices"

const (
	desk     = "office/cremona-sportello"
	dept     = "office/cuneo-nodo"
	house    = "office/milano-casa-dei-diritti"
	anticorr = "office/cremona-ufficio-anticorruzione"
	centre   = "office/cremona-centro-locale-parita"
	voice    = "programme/la-voce-che-rompe-il-silenzio"
	fami     = "programme/fami-piemonte-2021-2027"
	groups   = "initiative/gruppi-di-confronto-2024"
)

// missionRows returns the mission table in the order of the five source documents. It is written independently of the
// directory's data, so that an error in either of them fails the test.
func missionRows() []missionRow {
	return slices.Concat(cremonaDesk(), cuneoDepartment(), piemonteProject(), cremonaProject(), milanoHouse())
}
