package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Position is the place of a report in a list.
type Position struct {
	day      string
	urgent   bool
	reportID string
}

// beforeFirst is the position before every report.
var beforeFirst = Position{"infinity", true, uuid.Max.String()}

func (r reportRow) position() Position {
	return Position{r.ReceivedOn.Format(time.DateOnly), r.Urgent, r.ReportID.String()}
}

// String encodes the position; "" is the zero position.
func (p Position) String() string {
	if p == (Position{}) {
		return ""
	}
	return fmt.Sprint(p.day, " ", p.urgent, " ", p.reportID)
}

// ParsePosition decodes what String encoded. Another text is the zero position.
func ParsePosition(s string) Position {
	parts := strings.Fields(s)
	if len(parts) != 3 {
		return Position{}
	}
	urgent, err := strconv.ParseBool(parts[1])
	if err != nil {
		return Position{}
	}
	return Position{parts[0], urgent, parts[2]}
}
