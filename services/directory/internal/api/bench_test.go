package api_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// BenchmarkFindOffices sends different requests to a directory of 4,000 offices with 40,000 services, without gRPC, and
// reports the 99th percentile too.
func BenchmarkFindOffices(b *testing.B) {
	lists, places, entries := newNetwork(b)
	towns := municipalitiesOf(places)
	server := api.New(func() time.Time { return tuesday }, nil, territory.NewIndex(places))
	if err := server.SetSnapshot(store.Snapshot{Revision: 1, Lists: lists, Entries: entries}); err != nil {
		b.Fatal(err)
	}
	grounds := []string{"SEX", "NATIONALITY", "DISABILITY", "SKIN_COLOUR"}
	took := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		req := &directoryv1.FindOfficesRequest{
			Territory: towns[i*7919%len(towns)].Code, Ground: grounds[i%4], Service: services[i%6], AccessMode: "PHONE",
		}
		if i%2 == 0 {
			req.OpenAt = timestamppb.New(tuesday.Add(time.Duration(i%1000) * time.Hour))
		}
		from := time.Now()
		if _, err := server.FindOffices(context.Background(), req); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(from))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

var services = []string{
	"RECEPTION", "ORIENTATION", "COUNSELLING", "REPORT_COLLECTION", "CASE_MANAGEMENT",
	"INTERVIEW", "LEGAL_ADVICE", "PSYCHOLOGICAL", "MEDIATION", "TRAINING",
}

// BenchmarkSetSnapshot measures what a change of a directory of 4,000 offices costs each server.
func BenchmarkSetSnapshot(b *testing.B) {
	lists, places, entries := newNetwork(b)
	server := api.New(func() time.Time { return tuesday }, nil, territory.NewIndex(places))
	for i := range b.N {
		snapshot := store.Snapshot{Revision: int64(i + 1), Lists: lists, Entries: entries}
		if err := server.SetSnapshot(snapshot); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSetSnapshot_Hidden is BenchmarkSetSnapshot with a hidden office in each of twenty nodes.
func BenchmarkSetSnapshot_Hidden(b *testing.B) {
	lists, places, entries := newNetwork(b)
	for i := range 20 {
		o := newHiddenOffice(fmt.Sprintf("riservato-%016x", i), fmt.Sprintf("node-%03d", i))
		e, err := entry.New(o)
		if err != nil {
			b.Fatal(err)
		}
		entries = append(entries, e)
	}
	server := api.New(func() time.Time { return tuesday }, nil, territory.NewIndex(places))
	b.ReportAllocs()
	for i := range b.N {
		snapshot := store.Snapshot{Revision: int64(i + 1), Lists: lists, Entries: entries}
		if err := server.SetSnapshot(snapshot); err != nil {
			b.Fatal(err)
		}
	}
}

// newNetwork returns 4,000 offices with 40,000 services all over Italy.
func newNetwork(b *testing.B) (lists []vocabulary.List, places []territory.Place, entries []*directoryv1.Entry) {
	b.Helper()
	var err error
	lists, err = vocabulary.ParseFS(data.Files)
	if err != nil {
		b.Fatal(err)
	}
	places, err = territory.ParseFS(data.Files)
	if err != nil {
		b.Fatal(err)
	}
	towns := municipalitiesOf(places)
	for i := range 4000 {
		town := towns[i*len(towns)/4000]
		o := newDesk(fmt.Sprintf("desk-%d", i), "node-"+town.Province)
		o.Region, o.Territories = "region-"+town.Region, []string{town.Code, town.Province}
		o.Phones = []*directoryv1.Phone{{Number: "0372 1"}}
		o.Services = nil
		for _, s := range services {
			o.Services = append(o.Services, &directoryv1.Service{Type: s, AccessModes: []string{"DESK", "PHONE"}})
		}
		e, err := entry.New(o)
		if err != nil {
			b.Fatal(err)
		}
		entries = append(entries, e)
	}
	return lists, places, entries
}

func municipalitiesOf(places []territory.Place) []territory.Place {
	return slices.DeleteFunc(slices.Clone(places), func(p territory.Place) bool {
		return p.Kind != territory.Municipality || !p.ExistsOn(tuesday)
	})
}
