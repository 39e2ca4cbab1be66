package nodeservice

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// Ensure a node without a prefix of its own gets the first letters of its name, also a short one.
func TestConfig_NumberPrefixes(t *testing.T) {
	t.Parallel()
	of := func(node string) tenant.ID { return tenant.ID{Region: "lombardia", Node: node} }
	for _, c := range []struct{ node, prefix, want string }{
		{"cremona", "", "CRE"}, {"ro", "", "RO"}, {"cremona", "CR", "CR"},
	} {
		config := Config{Config: service.Config{Tenant: of(c.node)}, NumberPrefix: c.prefix}
		if diff := cmp.Diff(map[tenant.ID]string{of(c.node): c.want}, config.numberPrefixes()); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}
