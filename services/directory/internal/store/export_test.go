package store

// Statements returns what the runtime role says, twice, and what the owner says.
func Statements() (reading, changes, loads map[string]string) { return statements, changing, loading }
