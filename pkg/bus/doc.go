// Package bus carries events.
package bus
