package format

import (
	"fmt"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

const (
	listTrainingKind        = "training_kind"
	listTrainingParticipant = "training_participant"
)

// EncodeCourses encodes courses with schema.org as one JSON-LD document: a Course with its modules and, for each
// edition, a CourseInstance. It omits attendance and qualifications, which ListQualifications returns.
func EncodeCourses(courses []*directoryv1.Course, lookup Lookup, terms *Terms) ([]byte, error) {
	graph := []node{}
	for _, c := range courses {
		t := jsonldExporter{terms, lookup}
		iri := terms.IRI("course", c.GetCourseId())
		n := node{"@id": iri, "@type": "Course", "identifier": c.GetCourseId()}
		n.put("name", c.GetTitle())
		n.put("description", c.GetDescription())
		n.put("keywords", terms.Labels("it", listTrainingKind, c.GetKinds()))
		n.put("provider", t.organizations(c.GetOrganisers()))
		n.put("audience", t.participants(c.GetParticipants()))
		n.put("syllabusSections", mapSlice(c.GetModules(), t.module))
		n.put("hasCourseInstance", mapSlice(c.GetEditions(), func(e *directoryv1.Edition) node {
			instance := node{"@id": iri + "#" + e.GetCode(), "@type": "CourseInstance", "identifier": e.GetCode()}
			instance.put("name", c.GetTitle())
			instance.put("startDate", e.GetFrom())
			instance.put("endDate", e.GetTo())
			instance.put("contributor", t.organizations(e.GetTrainers()))
			return instance
		}))
		addLinks(n, c.GetLinks())
		graph = append(graph, n)
	}
	iri := node{"@type": "@id"}
	return encode(node{"@context": node{"@vocab": nsSchema, "url": iri, "sameAs": iri}, "@graph": graph})
}

func (t jsonldExporter) module(m *directoryv1.Module) node {
	n := node{"@type": "Syllabus", "identifier": m.GetCode()}
	n.put("name", m.GetTitle())
	n.put("about", m.GetTopics())
	n.put("audience", t.participants(m.GetParticipants()))
	if m.GetHours() > 0 {
		n["timeRequired"] = fmt.Sprintf("PT%dH", m.GetHours())
	}
	return n
}

func (t jsonldExporter) participants(codes []string) []node {
	return mapSlice(codes, func(code string) node {
		return node{"@type": "EducationalAudience", "audienceType": t.terms.Label("it", listTrainingParticipant, code)}
	})
}
