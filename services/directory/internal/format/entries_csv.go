package format

import (
	"iter"
	"strconv"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// EncodeEntriesCSV encodes entries of all kinds as CSV: a header, and one row per entry with its name, place, source
// and date of verification.
func EncodeEntriesCSV(entries iter.Seq[*directoryv1.Entry]) ([]byte, error) {
	t := newTable()
	t.row("kind", "id", "name", "node", "region", "valid_from", "valid_to", "source", "verified_on", "revision")
	for e := range entries {
		t.row(e.GetKind(), e.GetId(), entry.Name(e), entry.NodeOf(e), entry.Region(e),
			entry.ValidFrom(e), entry.ValidTo(e), entry.Source(e), entry.VerifiedOn(e),
			strconv.FormatInt(e.GetRevision(), 10))
	}
	return t.bytes()
}
