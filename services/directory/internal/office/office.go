// Package office models the offices of the network and finds those that can help a person, best first. Package opening
// computes when they are open. It has no clock, storage or transport and starts no goroutines.
//
// An empty field means that the source did not give the value, never that there is none.
package office

import (
	"cmp"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// Office is one entry of the directory. The tags are the field names of the files in data/offices and of the stored
// entry.
type Office struct {
	ID            string              `yaml:"office_id" json:"office_id"`
	Name          string              `yaml:"name" json:"name"`
	Kind          string              `yaml:"kind" json:"kind"`
	State         string              `yaml:"state" json:"state"`
	Region        string              `yaml:"region" json:"region"`
	Node          string              `yaml:"node" json:"node"`
	Body          string              `yaml:"body" json:"body,omitempty"`
	IPACode       string              `yaml:"ipa_code" json:"ipa_code,omitempty"`
	Description   string              `yaml:"description" json:"description,omitempty"`
	Addresses     []Address           `yaml:"addresses" json:"addresses,omitempty"`
	Phones        []Phone             `yaml:"phones" json:"phones,omitempty"`
	Emails        []Email             `yaml:"emails" json:"emails,omitempty"`
	Hours         []opening.Hours     `yaml:"hours" json:"hours,omitempty"`
	Exceptions    []opening.Exception `yaml:"exceptions" json:"exceptions,omitempty"`
	Holidays      opening.HolidayRule `yaml:"holidays" json:"holidays,omitempty"`
	AccessRule    string              `yaml:"access_rule" json:"access_rule,omitempty"`
	Fee           string              `yaml:"fee" json:"fee,omitempty"`
	Recipients    []string            `yaml:"recipients" json:"recipients,omitempty"`
	Services      []Service           `yaml:"services" json:"services,omitempty"`
	Grounds       []string            `yaml:"grounds" json:"grounds,omitempty"`
	Accessibility []string            `yaml:"accessibility" json:"accessibility,omitempty"`
	Languages     []string            `yaml:"languages" json:"languages,omitempty"`
	Territories   []string            `yaml:"territories" json:"territories,omitempty"`
	NetworkRoles  []string            `yaml:"network_roles" json:"network_roles,omitempty"`
	Links         []Link              `yaml:"links" json:"links,omitempty"`
	ValidFrom     string              `yaml:"valid_from" json:"valid_from,omitempty"`
	ValidTo       string              `yaml:"valid_to" json:"valid_to,omitempty"`
	Source        string              `yaml:"source" json:"source,omitempty"`
	VerifiedOn    string              `yaml:"verified_on" json:"verified_on,omitempty"`
}

// Purposes of an address.
const (
	PurposePost               = "POST"
	PurposeEntrance           = "ENTRANCE"
	PurposeAccessibleEntrance = "ACCESSIBLE_ENTRANCE"
)

// Address is an address of an office. Municipality is an ISTAT code.
type Address struct {
	Purpose      string `yaml:"purpose" json:"purpose,omitempty"`
	Street       string `yaml:"street" json:"street,omitempty"`
	Postcode     string `yaml:"postcode" json:"postcode,omitempty"`
	Municipality string `yaml:"municipality" json:"municipality,omitempty"`
	Note         string `yaml:"note" json:"note,omitempty"`
}

// Phone is a telephone, possibly with its own hours. The number is empty if the source gives only the hours.
type Phone struct {
	Number   string          `yaml:"number" json:"number,omitempty"`
	Label    string          `yaml:"label" json:"label,omitempty"`
	WhatsApp bool            `yaml:"whatsapp" json:"whatsapp,omitempty"`
	Hours    []opening.Hours `yaml:"hours" json:"hours,omitempty"`
}

// Email is an e-mail address.
type Email struct {
	Address string `yaml:"address" json:"address"`
	Purpose string `yaml:"purpose" json:"purpose,omitempty"`
}

// Service is a service that an office offers.
type Service struct {
	Type        string   `yaml:"type" json:"type"`
	Name        string   `yaml:"name" json:"name,omitempty"`
	AccessModes []string `yaml:"access_modes" json:"access_modes,omitempty"`
	URL         string   `yaml:"url" json:"url,omitempty"`
}

// Link is a page about an office.
type Link struct {
	Title string `yaml:"title" json:"title"`
	URL   string `yaml:"url" json:"url"`
}

// Key is the sort key of an office in the directory: region, node, identifier.
type Key struct{ Region, Node, ID string }

// Key returns the sort key of the office.
func (o *Office) Key() Key { return Key{Region: o.Region, Node: o.Node, ID: o.ID} }

// Compare orders keys.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Region, other.Region), cmp.Compare(k.Node, other.Node), cmp.Compare(k.ID, other.ID))
}
