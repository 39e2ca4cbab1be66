// Package fact turns what the nodes tell into counts.
//
// A fact is what the centre knows of one report or one case: codes and months, the latest word on each; or of one entry of the
// directory: the figures that it adds. An event changes one fact; a fact says which cells of which tables it counts in; so a cell changes by what the new fact counts in, less
// what the old one did:
//
//	event ──► Report.Apply, Case.Apply ──────────► old, new ──► Delta{ cells(new) +1, cells(old) -1 }
//	          Activity.Apply, Indicators.Apply ──► old, new ──► Delta{ cells(new) +n, cells(old) -n }
//
// It promises that cells kept current in this way equal cells counted afresh from all facts, whatever the sequence of
// events. For that to hold when a code later moves to another group, a fact keeps the groups that it was counted under.
//
// The package is pure: values in, values out. Who may send an event, in which order events come, and where facts are
// kept is decided elsewhere.
package fact
