package api

import (
	"cmp"
	"context"
	"fmt"
	"time"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/qualification"
)

// ListQualifications returns a page of how offices stand in training on a day.
func (s *Server) ListQualifications(ctx context.Context, req *directoryv1.ListQualificationsRequest) (*directoryv1.ListQualificationsResponse, error) {
	v := s.viewFor(ctx)
	on := cmp.Or(req.GetDate(), romeDate(s.now()))
	day, err := time.Parse(time.DateOnly, on)
	if err != nil {
		return nil, err // Check has seen it
	}
	filter := fmt.Sprintf("qualifications %s %s %s", req.GetNode(), req.GetOfficeId(), on)
	after, err := decodeEntryToken(req.GetPageToken(), filter)
	if err != nil {
		return nil, err
	}
	size := cmp.Or(int(req.GetPageSize()), defaultPageSize)
	answer := &directoryv1.ListQualificationsResponse{Date: on, Freshness: s.freshness(v)}
	var last entry.Ref
	for _, standing := range qualification.ListStatus(day, listContents(v, "course", "", (*directoryv1.Entry).GetCourse)) {
		key := entry.NewRef(standing.Office, standing.Kind)
		office, there := v.entries.Get(entry.NewRef("office", standing.Office))
		switch {
		case after != "" && cmp.Or(cmp.Compare(standing.Office, after.Kind()), cmp.Compare(standing.Kind, after.ID())) <= 0,
			!there, req.GetNode() != "" && entry.NodeOf(office) != req.GetNode(), req.GetOfficeId() != "" && standing.Office != req.GetOfficeId():
			continue
		case len(answer.GetQualifications()) == size:
			answer.NextPageToken = encodeEntryToken(last, filter)
			return answer, nil
		}
		answer.Qualifications = append(answer.Qualifications, statusToProto(standing))
		last = key
	}
	return answer, nil
}

func statusToProto(s qualification.Status) *directoryv1.Qualification {
	next, persons := s.NextExpiry()
	out := &directoryv1.Qualification{
		Office: string(entry.NewRef("office", s.Office)), TrainingKind: s.Kind, Qualified: s.Qualified, Expired: s.Expired,
		NextExpiry: dayToProto(next), NextExpiring: persons,
	}
	for _, e := range s.Editions {
		out.Editions = append(out.Editions, &directoryv1.QualifyingEdition{
			Course: string(entry.NewRef("course", e.Course)), Edition: e.Code, Persons: e.Persons, From: dayToProto(e.From), To: dayToProto(e.To),
		})
	}
	return out
}

// dayToProto writes a day; none as nothing.
func dayToProto(day time.Time) string {
	if day.IsZero() {
		return ""
	}
	return day.Format(time.DateOnly)
}
