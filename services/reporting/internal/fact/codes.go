package fact

import (
	"errors"
	"fmt"
)

// Why an event has no effect. The texts name lists and fields, never a value: what is wrong with a value may be that it is
// not a code at all.
var (
	// ErrCode: a code, or the group that it should count in, is not in the vocabulary.
	ErrCode = errors.New("code is not known")
	// ErrInvalid: something that must be there is missing or impossible.
	ErrInvalid = errors.New("event is not valid")
	// ErrOrder: the event does not follow the last one of its report or case.
	ErrOrder = errors.New("event is out of order")
)

// Codes answers for the vocabulary: is the code in the list, and which group does it count in ("" when the list has none).
// An expired code is known: the node used it while it was valid.
type Codes func(list, code string) (group string, known bool)

// known refuses a code that is not in the list. Empty is "not stated" and passes.
func (c Codes) known(list string, codes ...string) error {
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

// group returns the table group of a code, "" for an empty code. The group must itself be in the list of groups.
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
