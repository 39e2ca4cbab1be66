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

// Lookup returns the entry that another one names; nil for one that is not shown.
type Lookup func(ref entry.Ref) *directoryv1.Entry

// EncodeEvents returns initiatives in the words of schema.org, as one document of JSON-LD: one that meets once is an Event, one that
// meets more often an EventSeries with its EncodeEvents. Those whose dates were not given are not in it, as in calendars. It leaves
// out what schema.org has no word for: where to enrol, who pays, the days on which the entry holds, and who checked it.
func EncodeEvents(initiatives []*directoryv1.Initiative, named Lookup, terms *Terms) ([]byte, error) {
	graph := []node{}
	for _, n := range initiatives {
		if len(n.GetSessions()) == 0 {
			continue
		}
		made, err := event{jsonldExporter{terms, named}, n}.nodes()
		if err != nil {
			return nil, fmt.Errorf("initiative %s: %w", n.GetInitiativeId(), err)
		}
		graph = append(graph, made...)
	}
	iri := node{"@type": "@id"}
	return encode(node{
		"@context": node{"@vocab": nsSchema, "url": iri, "sameAs": iri, "eventStatus": iri, "eventAttendanceMode": iri, "superEvent": iri},
		"@graph":   graph,
	})
}

// event describes one initiative.
type event struct {
	jsonldExporter

	it *directoryv1.Initiative
}

func (e event) iri() string { return e.terms.IRI("initiative", e.it.GetInitiativeId()) }

func (e event) nodes() ([]node, error) {
	whole := e.about(e.iri())
	sessions := e.it.GetSessions()
	if len(sessions) == 1 {
		return []node{whole}, e.times(whole, sessions[0])
	}
	first, last := sessions[0].GetDate(), sessions[len(sessions)-1].GetDate() // they are in order
	whole["@type"], whole["startDate"], whole["endDate"] = "EventSeries", first, last
	all := []node{whole}
	var parts []node
	for i, s := range sessions {
		part := e.about(e.iri() + "#session-" + strconv.Itoa(i+1))
		part["superEvent"] = e.iri()
		if s.GetTheme() != "" {
			part["name"], part["about"] = e.it.GetTitle()+": "+s.GetTheme(), s.GetTheme()
		}
		if err := e.times(part, s); err != nil {
			return nil, err
		}
		all, parts = append(all, part), append(parts, ref(part["@id"].(string)))
	}
	whole["subEvent"] = parts
	return all, nil
}

// about is what the initiative and each of its sessions say alike.
func (e event) about(iri string) node {
	it := e.it
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
	"IN_PERSON": "OfflineEventAttendanceMode", "ONLINE": "OnlineEventAttendanceMode", "HYBRID": "MixedEventAttendanceMode",
}

// times says when a session is, and whether it takes place.
func (e event) times(n node, s *directoryv1.Session) error {
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

// moment is when clocks in Rome show a time on a day, with their offset of that day; 24:00 is the beginning of the next. Without
// a time it is the day.
func romeTimestamp(date, parseClock string) (string, error) {
	day, err := time.ParseInLocation(time.DateOnly, date, tz.Rome)
	if err != nil {
		return "", err
	}
	switch parseClock {
	case "":
		return date, nil
	case "24:00":
		return day.AddDate(0, 0, 1).Format(time.RFC3339), nil
	}
	at, err := time.Parse("15:04", parseClock)
	if err != nil {
		return "", err
	}
	return time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, tz.Rome).Format(time.RFC3339), nil
}

// ages is a range of ages as schema.org writes it: 18-35, or 18- for no end.
func ageRange(from, to int32) string {
	switch {
	case from == 0 && to == 0:
		return ""
	case to == 0:
		return fmt.Sprintf("%d-", from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}
