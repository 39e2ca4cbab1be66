package store

// Statements returns what the runtime role says, of four kinds, and what the owner says.
func Statements() (reading, changes, copies, publishes, loads map[string]string) {
	return statements, changing, copying, publishing, loading
}
