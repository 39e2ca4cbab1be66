package format

import (
	"fmt"
	"strconv"
	"time"

	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

const (
	listEventType = "event_type"
	listEventMode = "event_mode"
)

// Lookup returns the entry that another one refers to, or nil if it is not visible.
type Lookup func(ref entry.Ref) *directoryv1.Entry

// EncodeEvents encodes initiatives with schema.org as one JSON-LD document: one with a single session is an Event, one
// with more an EventSeries with an Event for each session. As in calendars, those without dates are left out. It omits
// what schema.org has no property for: enrolment, funding, validity and verification of the entry.
func EncodeEvents(initiatives []*directoryv1.Initiative, lookup Lookup, terms *Terms) ([]byte, error) {
	graph := []node{}
	for _, n := range initiatives {
		if len(n.GetSessions()) == 0 {
			continue
		}
		nodes, err := eventEncoder{jsonldExporter{terms, lookup}, n}.nodes()
		if err != nil {
			return nil, fmt.Errorf("initiative %s: %w", n.GetInitiativeId(), err)
		}
		graph = append(graph, nodes...)
	}
	iri := node{"@type": "@id"}
	return encode(node{
		"@context": node{
			"@vocab": nsSchema, "url": iri, "sameAs": iri,
			"eventStatus": iri, "eventAttendanceMode": iri, "superEvent": iri,
		},
		"@graph": graph,
	})
}

// eventEncoder encodes one initiative.
type eventEncoder struct {
	jsonldExporter

	initiative *directoryv1.Initiative
}

func (e eventEncoder) iri() string { return e.terms.IRI("initiative", e.initiative.GetInitiativeId()) }

func (e eventEncoder) nodes() ([]node, error) {
	series := e.common(e.iri())
	sessions := e.initiative.GetSessions()
	if len(sessions) == 1 {
		return []node{series}, e.putTimes(series, sessions[0])
	}
	first, last := sessions[0].GetDate(), sessions[len(sessions)-1].GetDate() // they are in order
	series["@type"], series["startDate"], series["endDate"] = "EventSeries", first, last
	all := []node{series}
	var parts []node
	for i, s := range sessions {
		part := e.common(e.iri() + "#session-" + strconv.Itoa(i+1))
		part["superEvent"] = e.iri()
		if s.GetTheme() != "" {
			part["name"], part["about"] = e.initiative.GetTitle()+": "+s.GetTheme(), s.GetTheme()
		}
		if err := e.putTimes(part, s); err != nil {
			return nil, err
		}
		all, parts = append(all, part), append(parts, ref(part["@id"].(string)))
	}
	series["subEvent"] = parts
	return all, nil
}

// common returns a node with what the initiative and each of its sessions share.
func (e eventEncoder) common(iri string) node {
	it := e.initiative
	n := node{"@id": iri, "@type": "Event"}
	n.put("name", it.GetTitle())
	n.put("description", it.GetDescription())
	n.put("about", it.GetThemes())
	n.put("keywords", e.terms.Labels("it", listEventType, it.GetTypes()))
	n.put("organizer", e.organizations(it.GetOrganisers()))
	n.put("location", e.place(it.GetPlace()))
	n.put("audience", mapSlice(it.GetRecipients(), func(code string) node {
		return node{"@type": "Audience", "audienceType": e.terms.Label("it", listRecipient, code)}
	}))
	n.put("typicalAgeRange", ageRange(it.GetAgeFrom(), it.GetAgeTo()))
	if mode := attendanceModes[it.GetMode()]; mode != "" {
		n["eventAttendanceMode"] = nsSchema + mode
	}
	if it.GetCapacity() > 0 {
		n["maximumAttendeeCapacity"] = it.GetCapacity()
	}
	if it.GetFee() == "FREE" {
		n["isAccessibleForFree"] = true
	}
	addLinks(n, it.GetLinks())
	return n
}

var attendanceModes = map[string]string{
	"IN_PERSON": "OfflineEventAttendanceMode",
	"ONLINE":    "OnlineEventAttendanceMode",
	"HYBRID":    "MixedEventAttendanceMode",
}

// putTimes sets when a session is, and whether it takes place.
func (e eventEncoder) putTimes(n node, s *directoryv1.Session) error {
	begins, err := romeTimestamp(s.GetDate(), s.GetOpens())
	if err != nil {
		return err
	}
	n["startDate"], n["eventStatus"] = begins, nsSchema+"EventScheduled"
	if s.GetCancelled() {
		n["eventStatus"] = nsSchema + "EventCancelled"
	}
	if s.GetOpens() == "" || s.GetCloses() == "" {
		return nil
	}
	n["endDate"], err = romeTimestamp(s.GetDate(), s.GetCloses())
	return err
}

// romeTimestamp formats a local time in Europe/Rome with its offset on that day; 24:00 is the start of the next day.
// Without a time it returns the date.
func romeTimestamp(date, timeOfDay string) (string, error) {
	day, err := time.ParseInLocation(time.DateOnly, date, tz.Rome)
	if err != nil {
		return "", err
	}
	switch timeOfDay {
	case "":
		return date, nil
	case "24:00":
		return day.AddDate(0, 0, 1).Format(time.RFC3339), nil
	}
	at, err := time.Parse("15:04", timeOfDay)
	if err != nil {
		return "", err
	}
	local := time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, tz.Rome)
	return local.Format(time.RFC3339), nil
}

// ageRange formats an age range as schema.org does: "18-35", or "18-" without an end.
func ageRange(from, to int32) string {
	switch {
	case from == 0 && to == 0:
		return ""
	case to == 0:
		return fmt.Sprintf("%d-", from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}
