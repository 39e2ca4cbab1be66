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

// ListQualifications returns a page of the training status of offices on a day.
func (s *Server) ListQualifications(
	ctx context.Context, req *directoryv1.ListQualificationsRequest,
) (*directoryv1.ListQualificationsResponse, error) {
	v := s.viewFor(ctx)
	date := cmp.Or(req.GetDate(), romeDate(s.now()))
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil, err // unreachable: Check has validated the date
	}
	filter := fmt.Sprintf("qualifications %s %s %s", req.GetNode(), req.GetOfficeId(), date)
	after, err := decodeEntryToken(req.GetPageToken(), filter)
	if err != nil {
		return nil, err
	}
	size := cmp.Or(int(req.GetPageSize()), defaultPageSize)
	resp := &directoryv1.ListQualificationsResponse{Date: date, Freshness: s.freshness(v)}
	var last entry.Ref
	courses := listContents(v, "course", "", (*directoryv1.Entry).GetCourse)
	for _, status := range qualification.ListStatus(day, courses) {
		key := entry.NewRef(status.Office, status.Kind)
		office, ok := v.entries.Get(entry.NewRef("office", status.Office))
		switch {
		case after != "" && cmp.Or(cmp.Compare(status.Office, after.Kind()), cmp.Compare(status.Kind, after.ID())) <= 0,
			!ok,
			req.GetNode() != "" && entry.NodeOf(office) != req.GetNode(),
			req.GetOfficeId() != "" && status.Office != req.GetOfficeId():
			continue
		case len(resp.GetQualifications()) == size:
			resp.NextPageToken = encodeEntryToken(last, filter)
			return resp, nil
		}
		resp.Qualifications = append(resp.Qualifications, statusToProto(status))
		last = key
	}
	return resp, nil
}

func statusToProto(s qualification.Status) *directoryv1.Qualification {
	next, persons := s.NextExpiry()
	out := &directoryv1.Qualification{
		Office: string(entry.NewRef("office", s.Office)), TrainingKind: s.Kind,
		Qualified: s.Qualified, Expired: s.Expired, NextExpiry: dayToProto(next), NextExpiring: persons,
	}
	for _, e := range s.Editions {
		out.Editions = append(out.Editions, &directoryv1.QualifyingEdition{
			Course: string(entry.NewRef("course", e.Course)), Edition: e.Code, Persons: e.Persons,
			From: dayToProto(e.From), To: dayToProto(e.To),
		})
	}
	return out
}

// dayToProto formats a day as 2026-11-24; the zero time is "".
func dayToProto(day time.Time) string {
	if day.IsZero() {
		return ""
	}
	return day.Format(time.DateOnly)
}
