package territory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/internal/territory"
)

func TestIndex_Page(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, c := range []struct {
		name   string
		filter territory.Filter
		after  string
		size   int
		want   []string
		more   bool
	}{
		{"regions first", territory.Filter{}, "", 2, []string{"01", "02"}, true},
		{"after a place", territory.Filter{Kind: territory.Region}, "19", 5, []string{"20"}, false},
		{"a province, then its municipalities", territory.Filter{Within: "02"}, "", 2, []string{"007", "007001"}, true},
		{"after a place that the filter excludes", territory.Filter{Within: "007"}, "007", 1, []string{"007001"}, true},
		{"nothing in a municipality", territory.Filter{Within: "019036"}, "", 5, nil, false},
		{"nothing after an unknown place", territory.Filter{}, "99", 5, nil, false},
		{"a place that existed on a day", territory.Filter{Day: "2020-06-30"}, "041031", 1, []string{"041032"}, true},
		{"not a place that had ended", territory.Filter{Day: "2020-07-01"}, "041031", 1, []string{"041033"}, true},
	} {
		page, more := x.Page(c.filter, c.after, c.size)
		var got []string
		for _, p := range page {
			got = append(got, p.Code)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || more != c.more {
			t.Errorf("%s: more %t, -want +got:\n%s", c.name, more, diff)
		}
	}
}
