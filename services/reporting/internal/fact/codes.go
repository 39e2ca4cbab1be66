package fact

import (
	"errors"
	"fmt"
)

// Errors of Apply. Their texts name lists and fields, never a value: an invalid value may not be a code at all.
var (
	// ErrCode is returned for a code, or a group of a code, that is not in the code lists.
	ErrCode = errors.New("unknown code")
	// ErrInvalid is returned for a value that is missing or impossible.
	ErrInvalid = errors.New("invalid event")
	// ErrOrder is returned for an event that is not the next one of its report, case or entry.
	ErrOrder = errors.New("event out of order")
)

// Codes looks a code up in a code list, and returns its group, or "" when the list has no groups. Expired codes are
// found too: the node used them while they were valid.
type Codes func(list, code string) (group string, found bool)

// require returns ErrCode for a code that is not in the list. An empty code means "not stated" and is accepted.
func (c Codes) require(list string, codes ...string) error {
	for _, code := range codes {
		if code == "" {
			continue
		}
		if _, ok := c(list, code); !ok {
			return fmt.Errorf("%s: %w", list, ErrCode)
		}
	}
	return nil
}

// group returns the group of a code, "" for an empty code. The group must be in the list of groups.
func (c Codes) group(list, groups, code string) (string, error) {
	if code == "" {
		return "", nil
	}
	group, ok := c(list, code)
	if !ok {
		return "", fmt.Errorf("%s: %w", list, ErrCode)
	}
	if _, ok := c(groups, group); !ok || group == "" {
		return "", fmt.Errorf("%s: %w", groups, ErrCode)
	}
	return group, nil
}
