package api

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	codes "github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/opening"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func openStateToProto(s opening.State) *directoryv1.OpenState {
	return &directoryv1.OpenState{
		Known: s.Known, Open: s.Open, Until: timeToProto(s.Until), NextOpening: timeToProto(s.Next),
		Reason: reasonToProto(s.Reason), Note: s.Note, HolidayIt: s.Holiday.IT, HolidayEn: s.Holiday.EN,
	}
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// NewCodeSet returns the code lists in the form that requests and entries are validated against.
func NewCodeSet(lists []vocabulary.List) *codes.Set {
	return codes.NewSet(mapSlice(lists, vocabularyToProto)...)
}

func vocabularyToProto(l vocabulary.List) *vocabularyv1.Vocabulary {
	return &vocabularyv1.Vocabulary{
		Name: l.Name, Version: int32(l.Version), TitleIt: l.TitleIT, TitleEn: l.TitleEN,
		Terms: mapSlice(l.Terms, func(t vocabulary.Term) *vocabularyv1.Term {
			return &vocabularyv1.Term{
				Code: t.Code, LabelIt: t.LabelIT, LabelEn: t.LabelEN,
				Group: t.Group, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo,
			}
		}),
	}
}

func mapSlice[From, To any](in []From, convert func(From) *To) []*To {
	out := make([]*To, 0, len(in))
	for _, item := range in {
		out = append(out, convert(item))
	}
	return out
}
