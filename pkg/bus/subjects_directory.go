package bus

import (
	"fmt"
	"strings"
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
func DirectoryRequest(region, node string) string {
	return "pari.v1." + region + "." + node + ".directory.ask"
}

// ParseDirectoryRequest returns the node that asks.
func ParseDirectoryRequest(subject string) (region, node string, err error) {
	p := strings.Split(subject, ".")
	if len(p) != 6 || subject != DirectoryRequest(p[2], p[3]) || !name.MatchString(p[2]) || !name.MatchString(p[3]) {
		return "", "", fmt.Errorf("directory subject: %w", ErrName)
	}
	return p[2], p[3], nil
}
