package store

// Statements returns what the runtime role says, and what the owner says.
func Statements() (reading, loads map[string]string) { return statements, loading }
