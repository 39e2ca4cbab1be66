package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

func TestServer_ResolveTerritory(t *testing.T) {
	t.Parallel()
	client, _ := newClient[*directoryv1.Office](t)
	for _, c := range []struct {
		name string
		req  *directoryv1.ResolveTerritoryRequest
		want []string
	}{
		{"a town before its province", &directoryv1.ResolveTerritoryRequest{Name: "Cremona"},
			[]string{"019036 TERRITORY_REASON_EXACT Cremona Lombardia", "019 TERRITORY_REASON_EXACT  Lombardia"}},
		{"a homonym by its province", &directoryv1.ResolveTerritoryRequest{Name: "castro (bg)", Limit: 1},
			[]string{"016065 TERRITORY_REASON_EXACT Bergamo Lombardia"}},
		{"another language", &directoryv1.ResolveTerritoryRequest{Name: "Mailand", Limit: 1},
			[]string{"015146 TERRITORY_REASON_OTHER_LANGUAGE Milano Lombardia"}},
		{"a typo", &directoryv1.ResolveTerritoryRequest{Name: "Cremoma", Limit: 1},
			[]string{"019036 TERRITORY_REASON_TYPO Cremona Lombardia"}},
		{"a place that became part of another", &directoryv1.ResolveTerritoryRequest{Name: "Monteciccardo"},
			[]string{"041044 TERRITORY_REASON_BECAME_PART Pesaro e Urbino Marche"}},
		{"the same place on a date before",
			&directoryv1.ResolveTerritoryRequest{Name: "Monteciccardo", Date: "2020-06-30"},
			[]string{"041032 TERRITORY_REASON_EXACT Pesaro e Urbino Marche"}},
		{"a blank name", &directoryv1.ResolveTerritoryRequest{Name: "  "}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			resp, err := client.ResolveTerritory(t.Context(), c.req)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, found := range resp.GetCandidates() {
				p := found.GetTerritory()
				fields := []string{p.GetCode(), found.GetReason().String(), p.GetProvinceName(), p.GetRegionName()}
				got = append(got, strings.Join(fields, " "))
				if found.GetScore() <= 0 || found.GetScore() > 1 || found.GetMatched() == "" {
					t.Errorf("%s: score %f, matched %q", p.GetCode(), found.GetScore(), found.GetMatched())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

func TestServer_GetTerritory(t *testing.T) {
	t.Parallel()
	client, _ := newClient[*directoryv1.Office](t)
	get := func(t *testing.T, code string) *directoryv1.GetTerritoryResponse {
		t.Helper()
		got, err := client.GetTerritory(t.Context(), &directoryv1.GetTerritoryRequest{Code: code})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("returns a place with its codes and parents", func(t *testing.T) {
		t.Parallel()
		got := get(t, "019036")
		want := &directoryv1.Territory{
			Code: "019036", Kind: directoryv1.TerritoryKind_TERRITORY_KIND_MUNICIPALITY, Name: "Cremona",
			Province: "019", ProvinceName: "Cremona", Region: "03", RegionName: "Lombardia",
			Sign: "CR", CadastralCode: "D150", IpaCode: "c_d150",
			Names: []*directoryv1.TerritoryName{{Language: "fr", Name: "Crémone"}},
		}
		if diff := cmp.Diff(want, got.GetTerritory(), protocmp.Transform()); diff != "" {
			t.Error("-want +got:\n" + diff)
		}
		parents := got.GetParents()
		if len(parents) != 2 || parents[0].GetNuts() != "ITC4A" || parents[1].GetNuts() != "ITC4" ||
			got.GetToday().GetCode() != "019036" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("returns the successor of a place", func(t *testing.T) {
		t.Parallel()
		got := get(t, "041032")
		p := got.GetTerritory()
		if p.GetValidTo() != "2020-06-30" || p.GetSuccessor() != "041044" || got.GetToday().GetName() != "Pesaro" {
			t.Errorf("got %v", got)
		}
	})
}

func TestServer_ListTerritories(t *testing.T) {
	t.Parallel()
	client, _ := newClient[*directoryv1.Office](t)
	page := func(t *testing.T, req *directoryv1.ListTerritoriesRequest) (codes []string, token string) {
		t.Helper()
		got, err := client.ListTerritories(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got.GetTerritories() {
			codes = append(codes, p.GetCode())
		}
		return codes, got.GetNextPageToken()
	}

	t.Run("lists a level of a region", func(t *testing.T) {
		t.Parallel()
		codes, token := page(t, &directoryv1.ListTerritoriesRequest{
			Parent: "07", Kind: directoryv1.TerritoryKind_TERRITORY_KIND_PROVINCE,
		})
		if diff := cmp.Diff([]string{"008", "009", "010", "011"}, codes); diff != "" || token != "" {
			t.Errorf("token %q, -want +got:\n%s", token, diff)
		}
	})
	t.Run("lists all places in a region, page by page, each once", func(t *testing.T) {
		t.Parallel()
		req, seen := &directoryv1.ListTerritoriesRequest{Parent: "01", PageSize: 500}, map[string]bool{}
		for pages := 1; ; pages++ {
			codes, token := page(t, req)
			for _, code := range codes {
				if seen[code] {
					t.Fatalf("%s is listed twice", code)
				}
				seen[code] = true
			}
			if req.PageToken = token; token == "" {
				if pages != 3 || !seen["004"] || !seen["004078"] || seen["01"] || seen["019036"] {
					t.Errorf("%d places on %d pages", len(seen), pages)
				}
				return
			}
		}
	})
	t.Run("lists the places that exist on a date", func(t *testing.T) {
		t.Parallel()
		req := &directoryv1.ListTerritoriesRequest{Parent: "041", PageSize: 500}
		now, _ := page(t, req)
		req.Date = "2020-06-30"
		then, _ := page(t, req)
		if slices.Contains(now, "041032") || !slices.Contains(then, "041032") {
			t.Errorf("now %v, then %v", now, then)
		}
	})
	t.Run("refuses a token of another filter", func(t *testing.T) {
		t.Parallel()
		_, token := page(t, &directoryv1.ListTerritoriesRequest{PageSize: 1})
		req := &directoryv1.ListTerritoriesRequest{PageToken: token, Parent: "01"}
		_, err := client.ListTerritories(t.Context(), req)
		assertFault(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
	})
}

func TestServer_Territories_RefuseInvalid(t *testing.T) {
	t.Parallel()
	client, _ := newClient[*directoryv1.Office](t)
	resolve := func(name, date string, limit int32) error {
		req := &directoryv1.ResolveTerritoryRequest{Name: name, Date: date, Limit: limit}
		_, err := client.ResolveTerritory(t.Context(), req)
		return err
	}
	get := func(code string) error {
		_, err := client.GetTerritory(t.Context(), &directoryv1.GetTerritoryRequest{Code: code})
		return err
	}
	list := func(req *directoryv1.ListTerritoriesRequest) error {
		_, err := client.ListTerritories(t.Context(), req)
		return err
	}
	for _, c := range []struct {
		name  string
		err   error
		field string
	}{
		{"no name", resolve("", "", 0), "name REQUIRED"},
		{"more than 20 candidates", resolve("Cremona", "", 21), "limit OUT_OF_RANGE"},
		{"a date that does not exist", resolve("Cremona", "2026-02-30", 0), "date IMPOSSIBLE_DATE"},
		{"no date", resolve("Cremona", "yesterday", 0), "date BAD_FORMAT"},
		{"a date before 1970", list(&directoryv1.ListTerritoriesRequest{Date: "1969-12-31"}), "date OUT_OF_RANGE"},
		{"a date after 2399", list(&directoryv1.ListTerritoriesRequest{Date: "2400-01-01"}), "date OUT_OF_RANGE"},
		{"no code", get("ONLINE"), "code BAD_FORMAT"},
		{"an unknown level", list(&directoryv1.ListTerritoriesRequest{Kind: 9}), "kind UNKNOWN_VALUE"},
		{"too large a page", list(&directoryv1.ListTerritoriesRequest{PageSize: 501}), "page_size OUT_OF_RANGE"},
		{"an invalid token", list(&directoryv1.ListTerritoriesRequest{PageToken: "%%%"}), "page_token BAD_PAGE_TOKEN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assertFault(t, c.err, fault.InvalidRequest, c.field)
		})
	}
	assertFault(t, get("999999"), fault.NotFound)
	assertFault(t, list(&directoryv1.ListTerritoriesRequest{Parent: "99"}), fault.NotFound)
}
