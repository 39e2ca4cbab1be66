// Package pg opens Postgres.
package pg
