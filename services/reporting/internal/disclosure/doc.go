// Package disclosure applies statistical disclosure control to counts of people: small counts can identify a person.
//
// A table goes through these steps. With the rule Public they change nothing: every count is returned as it is.
//
//  1. Primary suppression. A count below the threshold is hidden, zero included: zero must look like one.
//  2. Group disclosure. A constraint is the categories of one dimension and their total, with the other dimensions
//     fixed. Where only one category of a constraint would be shown, all or nearly all people in it belong to that
//     category, and showing it would disclose the category of each of them. It is hidden; the total stays. A constraint
//     with a single category that is not zero is the extreme case.
//  3. Secondary suppression. The attack below is run on the table as it would be published. A constraint that narrows
//     the bounds of a primary cell at all is hidden, total included. Steps 2 and 3 are repeated until nothing changes.
//  4. Rounding. Every count that is left, totals included, is rounded from its true value to a multiple of the rounding
//     base, so that the table is not additive and its cells cannot be subtracted from each other.
//
// The attacker knows the rules, the kind of suppression of each hidden cell, and whether the categories of a constraint
// add up to its total. The attack computes bounds of every cell from the others of its constraints, until they are
// stable. The promise: by such bounds, one published table discloses no more of a count below the threshold than that
// it is below it.
//
// Whole constraints are hidden, and not only the cheapest cell, because an attacker who knows the program learns from
// the choice of hidden cells: hiding the smallest one disclosed more than it hid. The tests enumerate whole families of
// small tables, with an attacker who has computed how every possible table would be published; nothing is certain to
// that attacker.
//
// It does not protect from:
//   - differences in time. Tables are live and provisional: an attacker who asks repeatedly sees when a rounded count
//     changes or a cell appears, and learns that one event caused it. Only a release, frozen and audited with all
//     earlier ones, may be published; a live table is for the centre's own analysts, and is marked as provisional.
//   - linked tables. Each table is audited by itself. Two tables of one year share their grand total and no other cell.
//   - prior knowledge. An attacker who is counted, or knows others who are, can subtract them; the threshold leaves
//     room for a few, not for many.
//
// The package is pure and knows no table by name. It starts no goroutine.
package disclosure
