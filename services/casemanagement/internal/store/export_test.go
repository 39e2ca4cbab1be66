package store

// Statements are what the package sends.
var Statements = statements
