package outbox

// Statements are those that run often, for the test that reads their plans.
var Statements = map[string]string{
	"count unnumbered": countUnnumbered, "update offsets": updateOffsets, "upsert daily offset": upsertDailyOffset,
	"select unnumbered": selectUnnumbered, "lock partition": lockPartition, "update numbered": updateNumbered,
	"update last": updateLast, "select numbered": selectNumbered, "increment resends": incrementResends,
	"delete old": deleteOld, "delete old offsets": deleteOldOffsets,
}
