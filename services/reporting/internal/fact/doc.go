// Package fact turns the events of the nodes into counts.
//
// A fact is the current state of one report or one case, in codes and months, or the current figures of one entry of
// the directory. An event changes one fact. A fact names the cells of the tables that it counts in, so an event changes
// these cells by the difference between the new fact and the old one:
//
//	event ──► Report.Apply, Case.Apply ──────────► old, new ──► Delta{ cells(new) +1, cells(old) -1 }
//	          Activity.Apply, Indicators.Apply ──► old, new ──► Delta{ cells(new) +n, cells(old) -n }
//
// It promises that cells updated in this way equal a recount of all facts, whatever the sequence of events. A code may
// move to another group later, so a fact stores the groups under which it was counted.
//
// The package is pure: values in, values out. It does not decide who may send an event, nor in which order events
// arrive, and it stores nothing.
package fact
