package nodeservice_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/nodeservice"
)

// Ensure a list of cases is read as it was written, and that of another tenant or another text is refused.
func TestReadCases(t *testing.T) {
	t.Parallel()
	for _, want := range []map[string]string{
		{}, {uuid.NewString(): uuid.NewString(), uuid.NewString(): uuid.NewString()},
	} {
		var file bytes.Buffer
		if err := nodeservice.WriteCases(&file, bustest.Cremona, want); err != nil {
			t.Fatal(err)
		}
		got, err := nodeservice.ReadCases(bytes.NewReader(file.Bytes()), bustest.Cremona)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, err := nodeservice.ReadCases(&file, mantova); err == nil {
			t.Error("the list of another tenant was read")
		}
	}
	for _, text := range []string{
		"", "lombardia/cremona\nreport case\n", "lombardia/cremona\n" + uuid.NewString() + "\n",
		"lombardia/cremona\n" + uuid.NewString() + " " + uuid.NewString()[:30],
	} {
		if got, err := nodeservice.ReadCases(strings.NewReader(text), bustest.Cremona); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}
