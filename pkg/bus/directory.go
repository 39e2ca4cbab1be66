package bus

import (
	"fmt"
	"strings"
)

// Subjects on which the public directory travels to the nodes. They carry requests and hints, not events: nothing of it is
// kept by a broker.
const (
	// DirectoryAnnouncements is where the centre tells every node at once that the directory has changed.
	DirectoryAnnouncements = "pari.down.v1.all.directory"
	// AllDirectoryQuestions is what the centre subscribes to hear every node.
	AllDirectoryQuestions = "pari.v1.*.*.directory.ask"
)

// DirectoryQuestion is where a node asks for what its copy of the directory lacks. The broker lets it use no other's.
func DirectoryQuestion(region, node string) string {
	return "pari.v1." + region + "." + node + ".directory.ask"
}

// ParseDirectoryQuestion tells which node asks.
func ParseDirectoryQuestion(subject string) (region, node string, err error) {
	p := strings.Split(subject, ".")
	if len(p) != 6 || subject != DirectoryQuestion(p[2], p[3]) || !name.MatchString(p[2]) || !name.MatchString(p[3]) {
		return "", "", fmt.Errorf("directory subject: %w", ErrName)
	}
	return p[2], p[3], nil
}
