package api_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/api"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// tuesday is a time at which the desks of these tests are open.
var tuesday = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func newList(name string, terms ...vocabulary.Term) vocabulary.List {
	for i := range terms {
		terms[i].LabelIT, terms[i].LabelEN = terms[i].Code, terms[i].Code
	}
	return vocabulary.List{Name: name, Version: 1, TitleIT: name, TitleEN: name, Terms: terms}
}

func baseLists() []vocabulary.List {
	phone := vocabulary.Term{Code: "PHONE"}
	fax := vocabulary.Term{Code: "FAX", ValidTo: "2010-12-31"}
	beam := vocabulary.Term{Code: "BEAM", ValidFrom: "2990-01-01"}
	return []vocabulary.List{
		newList("access_mode", phone, fax, beam),
		newList("ground", vocabulary.Term{Code: "SEX"}),
		newList("territory", vocabulary.Term{Code: "019", Group: "03"}, vocabulary.Term{Code: "019036", Group: "019"}),
	}
}

// regionOf returns the region of a node of the tests.
func regionOf(node string) string {
	switch node {
	case "cuneo":
		return "piemonte"
	case "livo-trentino-alto-adige":
		return "trentino-alto-adige"
	default:
		return "lombardia"
	}
}

func newDesk(id, node string) *directoryv1.Office {
	return &directoryv1.Office{
		OfficeId: id, Name: strings.ToUpper(id), Kind: "DESK", State: "ACTIVE",
		Region: regionOf(node), Node: node, Territories: []string{"019"},
		Services: []*directoryv1.Service{{Type: "RECEPTION"}},
		Hours:    []*directoryv1.Hours{{Weekday: 2, Opens: "09:00", Closes: "13:00"}},
	}
}

// newClient serves entries behind the real interceptors and connects as a municipal system without any role.
func newClient[M proto.Message](t *testing.T, contents ...M) (directoryv1.DirectoryServiceClient, *api.Server) {
	t.Helper()
	return newClientAt(t, tuesday, contents...)
}

// newClientAt is newClient at another time.
func newClientAt[M proto.Message](
	t *testing.T, now time.Time, contents ...M,
) (directoryv1.DirectoryServiceClient, *api.Server) {
	t.Helper()
	server := api.New(func() time.Time { return now }, nil, territoryIndex(t))
	setSnapshot(t, server, contents...)
	config := rpc.Config{Service: "directory", Vocabulary: server.Vocabulary}
	started := rpctest.NewEnv(t).Start(t, config, func(r grpc.ServiceRegistrar) {
		directoryv1.RegisterDirectoryServiceServer(r, server)
	})
	conn := started.As(t, rpctest.ID("lombardia", "cremona", "system", "portal"), "")
	return directoryv1.NewDirectoryServiceClient(conn), server
}

func setSnapshot[M proto.Message](t *testing.T, server *api.Server, contents ...M) {
	t.Helper()
	var entries []*directoryv1.Entry
	for _, c := range contents {
		e, err := entry.New(c)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	snapshot := store.Snapshot{Revision: 1, ListRevision: 1, Lists: baseLists(), Entries: entries}
	if err := server.SetSnapshot(snapshot); err != nil {
		t.Fatal(err)
	}
}

var loadTerritories = sync.OnceValues(func() (*territory.Index, error) {
	places, err := territory.ParseFS(data.Files)
	return territory.NewIndex(places), err
})

// territoryIndex returns the index of the embedded places, which is built once.
func territoryIndex(t testing.TB) *territory.Index {
	t.Helper()
	x, err := loadTerritories()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// assertFault compares the reason and the fields of a fault.
func assertFault(t *testing.T, err error, reason fault.Reason, fields ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(fault.FromStatus(err), &f) {
		t.Fatalf("got %v, want %s", err, reason)
	}
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Path+" "+string(field.Reason))
	}
	if diff := cmp.Diff(fields, got); f.Reason != reason || diff != "" {
		t.Errorf("reason %s, fields (-want +got):\n%s", f.Reason, diff)
	}
}

func TestServer_GetOffice(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newDesk("a", "cremona"))

	t.Run("returns the open state", func(t *testing.T) {
		t.Parallel()
		got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a"})
		if err != nil {
			t.Fatal(err)
		}
		until := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		s := got.GetOpenState()
		if got.GetOffice().GetName() != "A" || !s.GetKnown() || !s.GetOpen() ||
			!s.GetUntil().AsTime().Equal(until) || s.GetNextOpening() != nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("returns the open state at another time", func(t *testing.T) {
		t.Parallel()
		at := timestamppb.New(time.Date(2026, 12, 25, 9, 0, 0, 0, time.UTC))
		got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a", At: at})
		if err != nil {
			t.Fatal(err)
		}
		if s := got.GetOpenState(); s.GetOpen() || s.GetHolidayEn() == "" || s.GetUntil() != nil {
			t.Errorf("got %v", got)
		}
		at = timestamppb.New(time.Date(2400, 1, 2, 0, 0, 0, 0, time.UTC))
		_, err = client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a", At: at})
		assertFault(t, err, fault.InvalidRequest, "at OUT_OF_RANGE")
	})
	t.Run("refuses an unknown office", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "b"})
		assertFault(t, err, fault.NotFound)
	})
	t.Run("refuses an invalid identifier", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "A B"})
		assertFault(t, err, fault.InvalidRequest, "office_id BAD_FORMAT")
	})
	t.Run("serves the last snapshot", func(t *testing.T) {
		t.Parallel()
		other, server := newClient[*directoryv1.Office](t)
		setSnapshot(t, server, newDesk("c", "cremona"))
		if _, err := other.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "c"}); err != nil {
			t.Error(err)
		}
	})
}

func TestServer_ListOffices(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t,
		newDesk("d", "milano"), newDesk("b", "cremona"), newDesk("a", "cremona"), newDesk("c", "cremona"))
	page := func(t *testing.T, req *directoryv1.ListOfficesRequest) ([]string, string) {
		t.Helper()
		got, err := client.ListOffices(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, o := range got.GetOffices() {
			ids = append(ids, o.GetOfficeId())
		}
		return ids, got.GetNextPageToken()
	}

	t.Run("lists all offices in order, page by page", func(t *testing.T) {
		t.Parallel()
		first, token := page(t, &directoryv1.ListOfficesRequest{PageSize: 3})
		second, end := page(t, &directoryv1.ListOfficesRequest{PageSize: 3, PageToken: token})
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, append(first, second...)); diff != "" || end != "" {
			t.Errorf("last token %q, offices %s", end, diff)
		}
	})
	t.Run("lists the offices of a node", func(t *testing.T) {
		t.Parallel()
		ids, token := page(t, &directoryv1.ListOfficesRequest{PageSize: 3, Node: "cremona"})
		if diff := cmp.Diff([]string{"a", "b", "c"}, ids); diff != "" || token != "" {
			t.Errorf("token %q, offices %s", token, diff)
		}
	})
	t.Run("refuses a token of another filter", func(t *testing.T) {
		t.Parallel()
		_, token := page(t, &directoryv1.ListOfficesRequest{PageSize: 1})
		_, err := client.ListOffices(t.Context(), &directoryv1.ListOfficesRequest{PageToken: token, Node: "cremona"})
		assertFault(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	})
	t.Run("refuses an invalid token", func(t *testing.T) {
		t.Parallel()
		_, err := client.ListOffices(t.Context(), &directoryv1.ListOfficesRequest{PageToken: "%%%"})
		assertFault(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	})
	t.Run("refuses a page that is too large", func(t *testing.T) {
		t.Parallel()
		_, err := client.ListOffices(t.Context(), &directoryv1.ListOfficesRequest{PageSize: 201})
		assertFault(t, err, fault.InvalidRequest, "page_size OUT_OF_RANGE")
	})
}

func TestServer_FindOffices(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newDesk("a", "cremona"))

	t.Run("returns reasons and the open state", func(t *testing.T) {
		t.Parallel()
		got, err := client.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{
			Territory: "019036", Ground: "SEX", OpenAt: timestamppb.New(tuesday.AddDate(0, 0, 7)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.GetMatches()) != 1 {
			t.Fatalf("got %v", got)
		}
		m := got.GetMatches()[0]
		diff := cmp.Diff([]string{"TERRITORY_PROVINCE", "ALL_GROUNDS", "OPEN"}, m.GetReasons())
		if diff != "" || !m.GetOpenState().GetOpen() {
			t.Errorf("state %v, reasons %s", m.GetOpenState(), diff)
		}
	})
	type request = directoryv1.FindOfficesRequest
	year2400 := time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		req    *request
		fields []string
	}{
		{"refuses an unknown territory", &request{Territory: "999999"}, []string{"territory UNKNOWN_CODE"}},
		{"refuses an expired code", &request{AccessMode: "FAX"}, []string{"access_mode EXPIRED_CODE"}},
		{"refuses a code that is not valid yet", &request{AccessMode: "BEAM"}, []string{"access_mode EXPIRED_CODE"}},
		{"refuses all invalid fields at once", &request{Territory: "x", Ground: "sex", Service: "TEA"},
			[]string{"territory UNKNOWN_CODE", "ground UNKNOWN_CODE", "service UNKNOWN_CODE"}},
		{"refuses an invalid timestamp", &request{OpenAt: &timestamppb.Timestamp{Seconds: 1 << 60}},
			[]string{"open_at OUT_OF_RANGE"}},
		{"refuses a time before 1970", &request{OpenAt: timestamppb.New(time.Unix(-1, 0))},
			[]string{"open_at OUT_OF_RANGE"}},
		{"refuses a time after 2399", &request{OpenAt: timestamppb.New(year2400)}, []string{"open_at OUT_OF_RANGE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := client.FindOffices(t.Context(), c.req)
			assertFault(t, err, fault.InvalidRequest, c.fields...)
		})
	}
}

func TestServer_ListVocabularies(t *testing.T) {
	t.Parallel()
	client, server := newClient[*directoryv1.Office](t)
	list := func(t *testing.T, knownDigest string, names ...string) *directoryv1.ListVocabulariesResponse {
		t.Helper()
		req := &directoryv1.ListVocabulariesRequest{Names: names, KnownDigest: knownDigest}
		got, err := client.ListVocabularies(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("returns all lists in the order of their names", func(t *testing.T) {
		t.Parallel()
		got := list(t, "")
		n := len(got.GetVocabularies())
		if n != 3 || got.GetVocabularies()[0].GetName() != "access_mode" ||
			got.GetDigest() != server.Vocabulary().Digest() {
			t.Errorf("%d lists, digest %s", n, got.GetDigest())
		}
	})
	t.Run("returns only the digest if it is known", func(t *testing.T) {
		t.Parallel()
		digest := list(t, "").GetDigest()
		if got := list(t, digest); len(got.GetVocabularies()) != 0 || got.GetDigest() != digest {
			t.Errorf("got %d lists", len(got.GetVocabularies()))
		}
	})
	t.Run("returns a digest of the requested lists", func(t *testing.T) {
		t.Parallel()
		digest := list(t, "", "ground").GetDigest()
		if digest == list(t, "").GetDigest() || digest == list(t, "", "territory").GetDigest() {
			t.Error("different lists have the same digest")
		}
		if got := list(t, digest, "ground"); len(got.GetVocabularies()) != 0 {
			t.Error("the list was returned although its digest is known")
		}
	})
	t.Run("refuses a list that does not exist", func(t *testing.T) {
		t.Parallel()
		req := &directoryv1.ListVocabulariesRequest{Names: []string{"ground", "colour"}}
		_, err := client.ListVocabularies(t.Context(), req)
		assertFault(t, err, fault.InvalidRequest, "names[1] UNKNOWN_VALUE")
	})
}
