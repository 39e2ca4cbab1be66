package opening

// ProblemCode identifies what is wrong with a schedule.
type ProblemCode string

// The problem codes.
const (
	TooMany           ProblemCode = "TOO_MANY"
	Empty             ProblemCode = "EMPTY"
	UnknownValue      ProblemCode = "UNKNOWN_VALUE"
	BadPlace          ProblemCode = "BAD_PLACE"
	BadWeekday        ProblemCode = "BAD_WEEKDAY"
	BadTime           ProblemCode = "BAD_TIME"
	BadDate           ProblemCode = "BAD_DATE"
	BadRRule          ProblemCode = "BAD_RRULE"
	RangeReversed     ProblemCode = "RANGE_REVERSED"
	ClosesBeforeOpens ProblemCode = "CLOSES_BEFORE_OPENS"
	ClosedWithHours   ProblemCode = "CLOSED_WITH_HOURS"
	Overlap           ProblemCode = "OVERLAP"
	HourSkipped       ProblemCode = "HOUR_SKIPPED_BY_CLOCK_CHANGE"
)

// Problem is one problem of a schedule.
type Problem struct {
	// Path is the path of the field: hours[2].closes.
	Path string
	// Code tells what is wrong with the field.
	Code ProblemCode
}

// Error returns the path and the English text.
func (p Problem) Error() string { return p.Path + ": " + p.English() }

// English returns an English text that says what is wrong and how to correct it.
func (p Problem) English() string { return texts[p.Code].english }

// Italian returns an Italian text that says what is wrong and how to correct it.
func (p Problem) Italian() string { return texts[p.Code].italian }

// texts are the texts of the problem codes.
var texts = map[ProblemCode]struct{ english, italian string }{
	TooMany: {
		"this list has too many entries: write fewer",
		"questo elenco ha troppe voci: indicane meno"},
	Empty: {
		"this is not given: say the day, and either closed or the hours",
		"manca un dato: indica il giorno e chiuso, oppure gli orari"},
	UnknownValue: {
		"this is none of CLOSED, OPEN, NOT_GIVEN: write one of them, or nothing",
		"questo valore non è CLOSED, OPEN o NOT_GIVEN: usane uno, o nessuno"},
	BadPlace: {
		"this is no municipality: write its six-digit ISTAT code",
		"questo non è un comune: indica il codice ISTAT di sei cifre"},
	BadWeekday: {
		"there is no such weekday: write 1 for Monday to 7 for Sunday",
		"questo giorno della settimana non esiste: da 1 per lunedì a 7 per domenica"},
	BadTime: {
		"there is no such time: write 00:00 to 24:00",
		"questo orario non esiste: da 00:00 a 24:00"},
	BadDate: {
		"there is no such day: write one such as 2026-11-24",
		"questo giorno non esiste: scrivilo come 2026-11-24"},
	BadRRule: {
		"this rule cannot be read, or gives no day: write one such as FREQ=MONTHLY;BYDAY=1MO",
		"questa regola non è leggibile o non dà alcun giorno: scrivila come FREQ=MONTHLY;BYDAY=1MO"},
	RangeReversed: {
		"it ends before it begins: exchange the two days",
		"finisce prima di cominciare: scambia i due giorni"},
	ClosesBeforeOpens: {
		"it does not close after it opens: correct the time, or write what follows midnight on the next day",
		"non chiude dopo l'apertura: correggi l'orario, o indica nel giorno seguente ciò che va oltre la mezzanotte"},
	ClosedWithHours: {
		"it is closed and has hours: leave out one of them",
		"è chiuso e ha orari: togli uno dei due"},
	Overlap: {
		"it overlaps with one before it: write each opening, and each exception of a day, once",
		"si sovrappone a una voce precedente: indica una volta sola ogni apertura e ogni eccezione di un giorno"},
	HourSkipped: {
		"no clock shows this time on that day, for the clocks go forward: write a time that is shown",
		"quel giorno nessun orologio segna questo orario, perché scatta l'ora legale: indica un orario che esiste"},
}
