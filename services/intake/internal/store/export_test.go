package store

// Statements are those whose plans the tests read.
var Statements = map[string]string{
	"select reports": selectReports, "select report by number": selectReportByNumber,
	"select pending handovers": selectPendingHandovers,
	"select handover":          selectHandover, "select history": selectHistory,
}
