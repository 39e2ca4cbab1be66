// Package vocabulary holds code lists.
package vocabulary
