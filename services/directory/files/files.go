// Package files is the entries of the directory as people write them: one YAML file per entry, <kind>/<id>.yaml, with the
// fields of the contract, so that a network can keep its directory in git.
package files

import (
	"io/fs"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// Read returns the entries below a folder, or everything that cannot be read.
func Read(fsys fs.FS) ([]*directoryv1.Entry, error) { return entry.Read(fsys) }

// YAML writes an entry. Read reads it back.
func YAML(e *directoryv1.Entry) ([]byte, error) { return entry.ToYAML(e) }

// Name is how other entries name an entry: office/cremona-sportello. Its file is that, with .yaml.
func Name(e *directoryv1.Entry) string { return string(entry.RefOf(e)) }

// Same tells whether two entries say the same.
func Same(a, b *directoryv1.Entry) bool { return entry.Same(a, b) }

// Node is the node that an entry belongs to; "" for none.
func Node(e *directoryv1.Entry) string { return entry.NodeOf(e) }

// VerifiedOn is the day on which an entry was last checked; "" for never.
func VerifiedOn(e *directoryv1.Entry) string { return entry.VerifiedOn(e) }

// Source is where an entry comes from.
func Source(e *directoryv1.Entry) string { return entry.Source(e) }

// StaleMonths is after how many months an entry should be looked at again.
const StaleMonths = entry.StaleMonths

// CheckedSince is the day some months before a moment.
func CheckedSince(now time.Time, months int) string { return entry.CheckedSince(now, months) }

// Stale tells whether an entry was last checked before a day, or never, and still holds today.
func Stale(e *directoryv1.Entry, before, today string) bool { return entry.Stale(e, before, today) }

// Kinds are all kinds of entry.
func Kinds() []string { return entry.Kinds() }
