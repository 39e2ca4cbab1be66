package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
)

var submitPage = regexp.MustCompile(`(?s)cd (\S+)\n.*<<'JSON'\n(.*?)\nJSON\n`)

// Ensure the request of docs/submit.md is accepted, from the system whose certificate the page names, and its retry is
// answered as the page says.
//
// The test is not parallel because others count the stored reports of the shared cluster.
func TestDocs_SubmitPage(t *testing.T) {
	h := sharedHarness(t)
	page, err := os.ReadFile("../docs/submit.md")
	if err != nil {
		t.Fatal(err)
	}
	found := submitPage.FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/submit.md has no request")
	}
	name := filepath.Base(string(found[1]))
	if dir := h.IdentityDir(name); !strings.HasSuffix(string(found[1]), "identities/"+name) || !exists(dir) {
		t.Errorf("%s is not the folder of a certificate, such as %s", found[1], dir)
	}
	var req submitRequest
	if err := protojson.Unmarshal(found[2], &req); err != nil {
		t.Fatal(err)
	}
	req.RequestId = uuid.NewString() // a reader's own
	for _, replayed := range []bool{false, true} {
		who, node, _ := strings.Cut(name, ".")
		resp, err := h.Intake(t, node, system(who)).SubmitReport(callContext(t), &req)
		if err != nil || resp.GetReplayed() != replayed || resp.GetReceiptCode() == "" {
			t.Errorf("got %v, %v", resp, err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join(path, "cert.pem"))
	return err == nil
}
