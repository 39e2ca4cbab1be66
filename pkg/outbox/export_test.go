package outbox

// Statements are the statements that run often, for the test of their plans.
var Statements = map[string]string{
	"count unnumbered":  countUnnumbered,
	"select unnumbered": selectUnnumbered,
	"select numbered":   selectNumbered,
	"update numbered":   updateNumbered,
	"increment resends": incrementResends,
	"delete old":        deleteOld,
}
