package store

// Statements are those whose plans the tests read.
var Statements = map[string]string{
	"select cases": selectCases, "select case": selectCase, "lock case": lockCase,
	"select case by number": selectCaseByNumber, "select case by report": selectCaseByReport,
	"select actions": selectActions, "select history": selectHistory,
}
