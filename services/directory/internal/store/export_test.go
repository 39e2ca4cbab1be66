package store

// Statements returns what the runtime role says, of three kinds, and what the owner says.
func Statements() (reading, changes, copies, loads map[string]string) {
	return statements, changing, copying, loading
}
