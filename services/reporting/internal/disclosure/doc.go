// Package disclosure protects counts before anybody sees them: small numbers are people.
//
// A table goes through these steps, unless its rule is Public: then its counts are no secret, and are shown as they are.
//
//  1. Threshold. A count below it is hidden, zero like one: nobody can tell nobody from somebody.
//  2. Lone categories. Along a line of a table (one dimension varies, the others stay) where a single category is left
//     to be shown, all or nearly all of the line are of that category, and showing it would tell so of everybody in the
//     line. It is hidden; the line's total stays. Lines with a single category that is not zero are among these.
//  3. Audit. The attack below is run on the table as it would be served. A line that narrows a count below the threshold
//     at all is hidden, its total too, and steps 2 and 3 start again, until nothing is found.
//  4. Rounding. Every count that is left, totals included, is rounded to the base from its true value, so that a table
//     does not add up and cannot be subtracted.
//
// The attack knows the rules, the reason for which each cell is hidden, and whether a line's categories make up the whole
// of its total. It bounds every cell by the others of its lines until the bounds stop moving. What is promised: one served
// table tells no more about a count below the threshold than that it is below it, by any such bounds.
//
// Whole lines are hidden, and not just the cell that costs least, because who knows the program learns from which cells
// are missing: hiding the smallest one told more than it hid. The tests search whole families of small tables with an
// attacker who has computed, for every table that can be, how it would be served; he is left with nothing that is certain.
//
// What it does not protect from:
//   - time. Tables are live and provisional: who asks again and again sees a rounded count jump, or a cell appear, and
//     learns that one event moved it. What may be published is a release, frozen and audited with all earlier ones; a
//     live table is for the centre's own analysts, and says that it is provisional.
//   - linked tables. Each table is audited by itself. Two tables of one year share their grand total and no other cell.
//   - what somebody knows already. Who is one of the counted, or knows some of them, can take them away; the threshold
//     leaves room for a few, not for many.
//
// The package is pure and knows no table by name.
package disclosure
