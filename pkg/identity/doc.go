// Package identity knows who calls.
package identity
