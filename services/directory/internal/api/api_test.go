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

// tuesday is a moment at which the desks of these tests are open.
var tuesday = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func list(name string, terms ...vocabulary.Term) vocabulary.List {
	for i := range terms {
		terms[i].LabelIT, terms[i].LabelEN = terms[i].Code, terms[i].Code
	}
	return vocabulary.List{Name: name, Version: 1, TitleIT: name, TitleEN: name, Terms: terms}
}

func lists() []vocabulary.List {
	return []vocabulary.List{
		list("access_mode", vocabulary.Term{Code: "PHONE"}, vocabulary.Term{Code: "FAX", ValidTo: "2010-12-31"}, vocabulary.Term{Code: "BEAM", ValidFrom: "2990-01-01"}),
		list("ground", vocabulary.Term{Code: "SEX"}),
		list("territory", vocabulary.Term{Code: "019", Group: "03"}, vocabulary.Term{Code: "019036", Group: "019"}),
	}
}

func desk(id, node string) *directoryv1.Office {
	return &directoryv1.Office{
		OfficeId: id, Name: strings.ToUpper(id), Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: node, Territories: []string{"019"},
		Services: []*directoryv1.Service{{Type: "RECEPTION"}}, Hours: []*directoryv1.Hours{{Weekday: 2, Opens: "09:00", Closes: "13:00"}},
	}
}

// open serves entries behind the real chain and connects as a municipal system without any role.
func open[M proto.Message](t *testing.T, contents ...M) (directoryv1.DirectoryServiceClient, *api.Server) {
	t.Helper()
	return openAt(t, tuesday, contents...)
}

// openAt is open at another moment.
func openAt[M proto.Message](t *testing.T, now time.Time, contents ...M) (directoryv1.DirectoryServiceClient, *api.Server) {
	t.Helper()
	server := api.New(func() time.Time { return now }, nil, places(t))
	show(t, server, contents...)
	started := rpctest.NewWorld(t).Start(t, rpc.Config{Service: "directory", Region: "all", Node: "centre", Vocabulary: server.Vocabulary},
		func(r grpc.ServiceRegistrar) { directoryv1.RegisterDirectoryServiceServer(r, server) })
	return directoryv1.NewDirectoryServiceClient(started.As(t, rpctest.ID("lombardia", "cremona", "system", "portal"), "")), server
}

func show[M proto.Message](t *testing.T, server *api.Server, contents ...M) {
	t.Helper()
	var entries []*directoryv1.Entry
	for _, c := range contents {
		e, err := entry.New(c)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	if err := server.SetSnapshot(store.Snapshot{Revision: 1, ListRevision: 1, Lists: lists(), Entries: entries}); err != nil {
		t.Fatal(err)
	}
}

var italy = sync.OnceValues(func() (*territory.Index, error) {
	places, err := territory.ParseFS(data.Files)
	return territory.NewIndex(places), err
})

// places are those of the data in the program, read once.
func places(t testing.TB) *territory.Index {
	t.Helper()
	x, err := italy()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// refused checks reason and fields of a refusal.
func refused(t *testing.T, err error, reason fault.Reason, fields ...string) {
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

func TestGetOffice(t *testing.T) {
	t.Parallel()
	client, _ := open(t, desk("a", "cremona"))

	t.Run("says whether it is open now", func(t *testing.T) {
		t.Parallel()
		got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a"})
		if err != nil {
			t.Fatal(err)
		}
		until := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		if s := got.GetOpenState(); got.GetOffice().GetName() != "A" || !s.GetKnown() || !s.GetOpen() || !s.GetUntil().AsTime().Equal(until) || s.GetNextOpening() != nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("does not know other offices", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "b"})
		refused(t, err, fault.NotFound)
	})
	t.Run("refuses what is no identifier", func(t *testing.T) {
		t.Parallel()
		_, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "A B"})
		refused(t, err, fault.InvalidRequest, "office_id BAD_FORMAT")
	})
	t.Run("shows what was loaded since", func(t *testing.T) {
		t.Parallel()
		other, shown := open[*directoryv1.Office](t)
		show(t, shown, desk("c", "cremona"))
		if _, err := other.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "c"}); err != nil {
			t.Error(err)
		}
	})
}

func TestListOffices(t *testing.T) {
	t.Parallel()
	client, _ := open(t, desk("d", "milano"), desk("b", "cremona"), desk("a", "cremona"), desk("c", "cremona"))
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

	t.Run("lists all in order, page by page", func(t *testing.T) {
		t.Parallel()
		first, token := page(t, &directoryv1.ListOfficesRequest{PageSize: 3})
		second, end := page(t, &directoryv1.ListOfficesRequest{PageSize: 3, PageToken: token})
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, append(first, second...)); diff != "" || end != "" {
			t.Errorf("last token %q, offices %s", end, diff)
		}
	})
	t.Run("lists those of a node", func(t *testing.T) {
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
		refused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	})
	t.Run("refuses a token that it did not make", func(t *testing.T) {
		t.Parallel()
		_, err := client.ListOffices(t.Context(), &directoryv1.ListOfficesRequest{PageToken: "%%%"})
		refused(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	})
	t.Run("refuses a page that is too large", func(t *testing.T) {
		t.Parallel()
		_, err := client.ListOffices(t.Context(), &directoryv1.ListOfficesRequest{PageSize: 201})
		refused(t, err, fault.InvalidRequest, "page_size OUT_OF_RANGE")
	})
}

func TestFindOffices(t *testing.T) {
	t.Parallel()
	client, _ := open(t, desk("a", "cremona"))

	t.Run("finds with reasons and state", func(t *testing.T) {
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
		if diff := cmp.Diff([]string{"TERRITORY_PROVINCE", "ALL_GROUNDS", "OPEN"}, m.GetReasons()); diff != "" || !m.GetOpenState().GetOpen() {
			t.Errorf("state %v, reasons %s", m.GetOpenState(), diff)
		}
	})
	for _, c := range []struct {
		name   string
		req    *directoryv1.FindOfficesRequest
		fields []string
	}{
		{"refuses an unknown territory", &directoryv1.FindOfficesRequest{Territory: "999999"}, []string{"territory UNKNOWN_CODE"}},
		{"refuses a code that has expired", &directoryv1.FindOfficesRequest{AccessMode: "FAX"}, []string{"access_mode EXPIRED_CODE"}},
		{"refuses a code that has not begun", &directoryv1.FindOfficesRequest{AccessMode: "BEAM"}, []string{"access_mode EXPIRED_CODE"}},
		{"refuses all that is wrong at once", &directoryv1.FindOfficesRequest{Territory: "x", Ground: "sex", Service: "TEA"},
			[]string{"territory UNKNOWN_CODE", "ground UNKNOWN_CODE", "service UNKNOWN_CODE"}},
		{"refuses a moment that does not exist", &directoryv1.FindOfficesRequest{OpenAt: &timestamppb.Timestamp{Seconds: 1 << 60}}, []string{"open_at OUT_OF_RANGE"}},
		{"refuses a moment before 1970", &directoryv1.FindOfficesRequest{OpenAt: timestamppb.New(time.Unix(-1, 0))}, []string{"open_at OUT_OF_RANGE"}},
		{"refuses a moment after 2399", &directoryv1.FindOfficesRequest{OpenAt: timestamppb.New(time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC))}, []string{"open_at OUT_OF_RANGE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := client.FindOffices(t.Context(), c.req)
			refused(t, err, fault.InvalidRequest, c.fields...)
		})
	}
}

func TestListVocabularies(t *testing.T) {
	t.Parallel()
	client, server := open[*directoryv1.Office](t)
	ask := func(t *testing.T, known string, names ...string) *directoryv1.ListVocabulariesResponse {
		t.Helper()
		got, err := client.ListVocabularies(t.Context(), &directoryv1.ListVocabulariesRequest{Names: names, KnownDigest: known})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("returns all lists in the order of their names", func(t *testing.T) {
		t.Parallel()
		got := ask(t, "")
		if n := len(got.GetVocabularies()); n != 3 || got.GetVocabularies()[0].GetName() != "access_mode" || got.GetDigest() != server.Vocabulary().Digest() {
			t.Errorf("%d lists, digest %s", n, got.GetDigest())
		}
	})
	t.Run("returns the digest alone to who has them", func(t *testing.T) {
		t.Parallel()
		digest := ask(t, "").GetDigest()
		if got := ask(t, digest); len(got.GetVocabularies()) != 0 || got.GetDigest() != digest {
			t.Errorf("got %d lists", len(got.GetVocabularies()))
		}
	})
	t.Run("gives some lists a digest of their own", func(t *testing.T) {
		t.Parallel()
		digest := ask(t, "", "ground").GetDigest()
		if digest == ask(t, "").GetDigest() || digest == ask(t, "", "territory").GetDigest() {
			t.Error("different lists have one digest")
		}
		if got := ask(t, digest, "ground"); len(got.GetVocabularies()) != 0 {
			t.Error("the list came although it was known")
		}
	})
	t.Run("refuses a list that does not exist", func(t *testing.T) {
		t.Parallel()
		_, err := client.ListVocabularies(t.Context(), &directoryv1.ListVocabulariesRequest{Names: []string{"ground", "colour"}})
		refused(t, err, fault.InvalidRequest, "names[1] UNKNOWN_VALUE")
	})
}
