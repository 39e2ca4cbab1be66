// Package seal seals content.
package seal
