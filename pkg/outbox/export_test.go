package outbox

// Statements is every SQL statement of the package, for the tests that look at all of them.
var Statements = map[string]string{
	"insert": insert.SQL(), "ensure line": ensureLine, "read line": readLine, "count waiting": countLeft, "mark sent": markSent, "mark day": markDay,
	"select waiting": selectWaiting, "lock line": lockLine, "number these": numberThese, "move line": moveLine, "select numbered": selectNumbered,
	"count resends": countResends, "delete old": deleteOld, "delete days": deleteDays,
}
