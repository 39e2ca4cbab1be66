// Package files reads and writes entries of the directory as YAML files, one file <kind>/<id>.yaml per entry with the
// fields of the contract, so that a network can keep its directory in git. It exports to other modules what they need
// of the internal package entry.
package files

import (
	"io/fs"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// ParseFS returns the entries in a file system, or one error with all problems.
func ParseFS(fsys fs.FS) ([]*directoryv1.Entry, error) { return entry.ParseFS(fsys) }

// MarshalYAML returns the file of an entry. ParseFS reads it.
func MarshalYAML(e *directoryv1.Entry) ([]byte, error) { return entry.MarshalYAML(e) }

// RefOf returns the reference to an entry, for instance office/cremona-sportello. With .yaml it is the name of the
// file.
func RefOf(e *directoryv1.Entry) string { return string(entry.RefOf(e)) }

// Equal reports whether two entries have the same content.
func Equal(a, b *directoryv1.Entry) bool { return entry.Equal(a, b) }

// NodeOf returns the node that an entry belongs to, or "".
func NodeOf(e *directoryv1.Entry) string { return entry.NodeOf(e) }

// VerifiedOn returns the day on which an entry was last verified, or "".
func VerifiedOn(e *directoryv1.Entry) string { return entry.VerifiedOn(e) }

// Source returns the source of an entry.
func Source(e *directoryv1.Entry) string { return entry.Source(e) }

// DefaultStaleMonths is the number of months after which an entry should be verified again.
const DefaultStaleMonths = entry.DefaultStaleMonths

// StaleCutoff returns the day a number of months before now.
func StaleCutoff(now time.Time, months int) string { return entry.StaleCutoff(now, months) }

// IsStale reports whether an entry that is valid today was last verified before a day, or never.
func IsStale(e *directoryv1.Entry, before, today string) bool { return entry.IsStale(e, before, today) }

// Kinds returns all kinds of entries.
func Kinds() []string { return entry.Kinds() }
