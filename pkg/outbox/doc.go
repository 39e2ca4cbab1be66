// Package outbox sends events.
package outbox
