// Package office models the offices of the network and finds those that can help a person, best first. Package opening
// computes when they are open. It has no clock, storage or transport and starts no goroutines.
//
// An empty field means that the source did not give the value, never that there is none.
package office

import (
	"cmp"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// Office is what finding offices and their opening hours needs of an entry.
type Office struct {
	ID            string
	Name          string
	State         string
	Region        string
	Node          string
	Addresses     []Address
	Phones        []Phone
	Emails        []string
	Hours         []opening.Hours
	Exceptions    []opening.Exception
	Holidays      opening.HolidayRule
	Services      []Service
	Grounds       []string
	Accessibility []string
	Languages     []string
	Territories   []string
	ValidFrom     string
	ValidTo       string
}

// Purposes of an address.
const (
	PurposePost               = "POST"
	PurposeEntrance           = "ENTRANCE"
	PurposeAccessibleEntrance = "ACCESSIBLE_ENTRANCE"
)

// Address is an address of an office. Municipality is an ISTAT code.
type Address struct {
	Purpose      string
	Street       string
	Municipality string
}

// Phone is a telephone, possibly with its own hours. The number is empty if the source gives only the hours.
type Phone struct {
	Number   string
	WhatsApp bool
	Hours    []opening.Hours
}

// Service is a service that an office offers.
type Service struct {
	Type        string
	AccessModes []string
}

// Key is the sort key of an office in the directory: region, node, identifier.
type Key struct{ Region, Node, ID string }

// Key returns the sort key of the office.
func (o *Office) Key() Key { return Key{Region: o.Region, Node: o.Node, ID: o.ID} }

// Compare orders keys.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Region, other.Region), cmp.Compare(k.Node, other.Node), cmp.Compare(k.ID, other.ID))
}
