// Package files is the entries of the directory as people write them: one YAML file per entry, <kind>/<id>.yaml, with the
// fields of the contract, so that a network can keep its directory in git.
package files

import (
	"io/fs"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// ParseFS returns the entries below a folder, or everything that cannot be read.
func ParseFS(fsys fs.FS) ([]*directoryv1.Entry, error) { return entry.ParseFS(fsys) }

// MarshalYAML writes an entry. Read reads it back.
func MarshalYAML(e *directoryv1.Entry) ([]byte, error) { return entry.MarshalYAML(e) }

// RefOf is how other entries name an entry: office/cremona-sportello. Its file is that, with .yaml.
func RefOf(e *directoryv1.Entry) string { return string(entry.RefOf(e)) }

// Equal tells whether two entries say the same.
func Equal(a, b *directoryv1.Entry) bool { return entry.Equal(a, b) }

// NodeOf is the node that an entry belongs to; "" for none.
func NodeOf(e *directoryv1.Entry) string { return entry.NodeOf(e) }

// VerifiedOn is the day on which an entry was last checked; "" for never.
func VerifiedOn(e *directoryv1.Entry) string { return entry.VerifiedOn(e) }

// Source is where an entry comes from.
func Source(e *directoryv1.Entry) string { return entry.Source(e) }

// DefaultStaleMonths is after how many months an entry should be looked at again.
const DefaultStaleMonths = entry.DefaultStaleMonths

// StaleCutoff is the day some months before a moment.
func StaleCutoff(now time.Time, months int) string { return entry.StaleCutoff(now, months) }

// IsStale tells whether an entry was last checked before a day, or never, and still holds today.
func IsStale(e *directoryv1.Entry, before, today string) bool { return entry.IsStale(e, before, today) }

// Kinds are all kinds of entry.
func Kinds() []string { return entry.Kinds() }
