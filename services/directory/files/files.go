// Package files is the entries of the directory as people write them: one YAML file per entry, <kind>/<id>.yaml, with the
// fields of the contract, so that a network can keep its directory in git.
package files

import (
	"io/fs"

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

// Kinds are all kinds of entry.
func Kinds() []string { return entry.Kinds() }
