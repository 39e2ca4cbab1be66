package cli

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// Ensure that a code list shows from when to when a code is valid, and marks those that are not valid today.
func TestVocabulary_ShowsValidity(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) {
		return &directoryv1.ListVocabulariesResponse{Vocabularies: []*vocabularyv1.Vocabulary{{
			Name: "ground", Terms: []*vocabularyv1.Term{
				{Code: "A", LabelIt: "a"}, {Code: "B", LabelIt: "b", ValidFrom: "2999-01-01"},
				{Code: "C", LabelIt: "c", ValidTo: "2020-12-31"},
				{Code: "D", LabelIt: "d", ValidFrom: "2020-01-01", ValidTo: "2999-12-31"},
			},
		}}}, nil
	})
	out, errOut, code := f.run(t, "vocabulary", "ground")
	got := words(out)
	for _, want := range []string{
		"CODICE GRUPPO NOME DAL AL", "A a", "B b 2999-01-01 non valido oggi", "C c 2020-12-31 non valido oggi",
		"D d 2020-01-01 2999-12-31",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("exit %d, %s: %q is missing: %q", code, errOut, want, got)
		}
	}
}

// Ensure that the status of the feed names nodes with their regions, and says of a node that it was never heard from.
func TestFeedStatus_NamesNodes(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) {
		return &reportingv1.GetFeedStatusResponse{Nodes: []*reportingv1.NodeFeed{
			{Region: "lombardia", Node: "castro", Lines: []*reportingv1.LineFeed{
				{Source: "intake", LastNodeSeq: 3, AppliedNodeSeq: 3, HeardAt: timestamppb.Now()},
			}},
			{Region: "puglia", Node: "castro", Lines: []*reportingv1.LineFeed{{Source: "intake"}}},
			{Region: "piemonte", Node: "cuneo"},
		}}, nil
	})
	f.signIn(t, "analyst")
	for lang, want := range map[string][]string{
		"it": {
			"lombardia/castro intake 3 3 0 0 0 0 s fa", "puglia/castro intake 0 0 0 0 0 mai",
			"piemonte/cuneo - - - - - - mai",
		},
		"en": {"puglia/castro intake 0 0 0 0 0 never"},
	} {
		out, errOut, code := f.run(t, "feed", "status", "--lang", lang)
		for _, w := range want {
			if !slices.Contains(words(out), w) {
				t.Errorf("exit %d, %s: %q is missing: %q", code, errOut, w, words(out))
			}
		}
	}
}

// Ensure that the year is that of Italy, where it begins before UTC's.
func TestThisYear(t *testing.T) {
	t.Parallel()
	for utc, want := range map[time.Time]int32{
		time.Date(2026, 12, 31, 22, 30, 0, 0, time.UTC): 2026, time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC): 2027,
	} {
		if got := thisYear(utc); got != want {
			t.Errorf("%v: got %d, want %d", utc, got, want)
		}
	}
}
