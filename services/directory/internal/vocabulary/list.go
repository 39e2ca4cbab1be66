// Package vocabulary defines the code lists of the network, their rules, and their versions. It promises that the lists
// which ParseFS returns are valid. It does not look up codes for requests: pkg/vocabulary does, with the lists that the
// directory serves. The package is pure and starts no goroutines.
package vocabulary

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Names of the lists that the code of the directory refers to.
const (
	TerritoryList = "territory"
	RegionList    = "region"
)

// List is a closed list of codes.
type List struct {
	// Name is the list's key, for instance "ground". It never changes.
	Name string
	// Version starts at 1. Every change of the list raises it.
	Version int
	// TitleIT and TitleEN describe the list to people.
	TitleIT, TitleEN string
	// Groups is the name of the list with the groups of the terms, or "" if the terms have no groups. It may be the
	// list itself.
	Groups string
	// Terms in the order in which people should see them.
	Terms []Term
}

// Term is one code of a list. Days are ISO 8601; "" means unbounded.
type Term struct {
	Code      string `json:"code"`
	LabelIT   string `json:"it"`
	LabelEN   string `json:"en"`
	Group     string `json:"group,omitempty"`
	ValidFrom string `json:"valid_from,omitempty"`
	ValidTo   string `json:"valid_to,omitempty"`
}

// Digest returns the SHA-256, in hexadecimal, of the list without its version.
func (l List) Digest() string {
	sum := sha256.New()
	write := func(fields ...string) {
		for _, field := range fields {
			_, _ = fmt.Fprintf(sum, "%d:%s", len(field), field) // a hash never fails
		}
	}
	write(l.Name, l.TitleIT, l.TitleEN, l.Groups)
	for _, t := range l.Terms {
		write(t.Code, t.LabelIT, t.LabelEN, t.Group, t.ValidFrom, t.ValidTo)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// NextVersion returns the list as the successor of the stored one, and whether it has changed. A changed list gets a
// higher version; an unchanged one keeps the stored version. A code must not be removed, because stored records refer
// to it: it gets an end date instead.
func (l List) NextVersion(stored List) (next List, changed bool, err error) {
	codes := make(map[string]bool, len(l.Terms))
	for _, t := range l.Terms {
		codes[t.Code] = true
	}
	var missing []string
	for _, t := range stored.Terms {
		if !codes[t.Code] {
			missing = append(missing, t.Code)
		}
	}
	if len(missing) > 0 {
		return List{}, false, fmt.Errorf("list %s no longer contains %s: a code is never removed, it gets an end date",
			l.Name, strings.Join(missing, ", "))
	}
	if l.Digest() == stored.Digest() {
		l.Version = stored.Version
		return l, false, nil
	}
	l.Version = max(l.Version, stored.Version+1)
	return l, true, nil
}
