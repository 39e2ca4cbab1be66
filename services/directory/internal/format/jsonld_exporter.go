package format

import (
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// jsonldExporter encodes with schema.org the entries that an initiative or a course refers to.
type jsonldExporter struct {
	terms  *Terms
	lookup Lookup
}

// organizations returns the offices, bodies and networks of references, without those that are not visible.
func (t jsonldExporter) organizations(refs []string) []node {
	var all []node
	for _, r := range refs {
		e := t.lookup(entry.Ref(r))
		if e == nil {
			continue
		}
		n := node{"@id": t.terms.IRI(e.GetKind(), e.GetId()), "@type": "Organization"}
		if e.GetKind() == "office" {
			n["@type"] = "GovernmentOffice"
		}
		n.put("name", entry.Name(e))
		all = append(all, n)
	}
	return all
}

// place returns a room or an office, with the address of the office, or nil if it is not visible.
func (t jsonldExporter) place(r string) node {
	e := t.lookup(entry.Ref(r))
	if e == nil {
		return nil
	}
	n := node{"@id": t.terms.IRI(e.GetKind(), e.GetId()), "@type": "Place"}
	n.put("name", entry.Name(e))
	o := e.GetOffice()
	if room := e.GetRoom(); room != nil {
		if room.GetCapacity() > 0 {
			n["maximumAttendeeCapacity"] = room.GetCapacity()
		}
		o = t.lookup(entry.ParseRef("office", room.GetOffice())).GetOffice()
	}
	for _, a := range o.GetAddresses() {
		if a.GetPurpose() != directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST {
			n.put("address", schemaOrgEncoder{t.terms, o}.address(a))
			break
		}
	}
	return n
}

// addLinks sets the pages about a thing: the first is its own.
func addLinks(n node, links []*directoryv1.Link) {
	if len(links) > 0 {
		n.put("url", links[0].GetUrl())
		n.put("sameAs", mapSlice(links[1:], (*directoryv1.Link).GetUrl))
	}
}
