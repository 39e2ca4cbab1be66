// Package fault names what went wrong.
package fault
