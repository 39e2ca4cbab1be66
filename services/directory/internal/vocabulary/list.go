// Package vocabulary is the code lists of the network: what a list and a term are, the rules that a set of lists keeps, and
// how a list moves from one version to the next. It promises that lists returned by ParseFS keep every rule. It does not look
// codes up for a request: that is pkg/vocabulary, on what the directory serves.
package vocabulary

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Names of the lists that code of the directory knows by name.
const (
	TerritoryList = "territory"
	RegionList    = "region"
)

// List is a closed list of codes.
type List struct {
	// Name is the list's key, for instance "ground". It never changes.
	Name string
	// Version counts from 1 and is raised by every change of what the list holds.
	Version int
	// TitleIT and TitleEN say what the codes are about.
	TitleIT, TitleEN string
	// Groups names the list that the groups of the terms come from, which may be the list itself. Empty: no groups.
	Groups string
	// Terms are the codes, in the order in which people should see them.
	Terms []Term
}

// Term is one code of a list. Days are ISO 8601; empty means open.
type Term struct {
	Code      string `json:"code"`
	LabelIT   string `json:"it"`
	LabelEN   string `json:"en"`
	Group     string `json:"group,omitempty"`
	ValidFrom string `json:"valid_from,omitempty"`
	ValidTo   string `json:"valid_to,omitempty"`
}

// Digest is the SHA-256, in hexadecimal, of everything that the list says except its version.
func (l List) Digest() string {
	sum := sha256.New()
	write := func(fields ...string) {
		for _, field := range fields {
			_, _ = fmt.Fprintf(sum, "%d:%s", len(field), field) // a hash takes everything
		}
	}
	write(l.Name, l.TitleIT, l.TitleEN, l.Groups)
	for _, t := range l.Terms {
		write(t.Code, t.LabelIT, t.LabelEN, t.Group, t.ValidFrom, t.ValidTo)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// NextVersion returns the list as it follows the stored one, and whether anything changed. A changed list gets a higher version
// than the stored one; an unchanged one keeps the stored version. A code must not disappear: what has been written with it
// must stay readable, so it is retired by an end date.
func (l List) NextVersion(stored List) (List, bool, error) {
	codes := make(map[string]bool, len(l.Terms))
	for _, t := range l.Terms {
		codes[t.Code] = true
	}
	var gone []string
	for _, t := range stored.Terms {
		if !codes[t.Code] {
			gone = append(gone, t.Code)
		}
	}
	if len(gone) > 0 {
		return List{}, false, fmt.Errorf("list %s no longer holds %s: a code is retired by an end date, never removed",
			l.Name, strings.Join(gone, ", "))
	}
	if l.Digest() == stored.Digest() {
		l.Version = stored.Version
		return l, false, nil
	}
	l.Version = max(l.Version, stored.Version+1)
	return l, true, nil
}
