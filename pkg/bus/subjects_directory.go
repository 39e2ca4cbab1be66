package bus

import (
	"fmt"
	"strings"

	"github.com/retepari/pari/pkg/tenant"
)

// The subjects on which the public directory is replicated to the nodes. They carry requests and notices, not events:
// the broker stores none of it.
const (
	// DirectoryAnnouncements is where the centre announces to all nodes that the directory has changed.
	DirectoryAnnouncements = "pari.down.v1.all.directory"
	// AllDirectoryRequests matches the requests of all nodes.
	AllDirectoryRequests = "pari.v1.*.*.directory.ask"
)

// DirectoryRequest is where a node asks for what its replica lacks. The broker lets it use no other node's subject.
func DirectoryRequest(t tenant.ID) string { return "pari.v1." + Owner(t) + ".directory.ask" }

// ParseDirectoryRequest returns the tenant that asks.
func ParseDirectoryRequest(subject string) (tenant.ID, error) {
	p := strings.Split(subject, ".")
	if len(p) != 6 {
		return tenant.ID{}, fmt.Errorf("directory subject: %w", ErrName)
	}
	t, err := tenant.New(p[2], p[3])
	if err != nil || subject != DirectoryRequest(t) {
		return tenant.ID{}, fmt.Errorf("directory subject: %w", ErrName)
	}
	return t, nil
}
