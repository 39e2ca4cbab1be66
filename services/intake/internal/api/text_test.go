package api_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// Ensure a report may have all characters that the contract promises, of four bytes each, and no more.
func TestSubmitReport_LongTexts(t *testing.T) {
	t.Parallel()
	e := setup(t)
	client, content := e.person(t, cremona, "operator"), newContent()
	content.Narrative = strings.Repeat("🛑", 20_000)
	content.Contact.Name, content.Contact.SafeContact = strings.Repeat("🛑", 200), strings.Repeat("🛑", 500)
	resp := submit(t, client, content)
	got, err := client.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: resp.GetReportId(), View: full})
	if err != nil || got.GetReport().GetContent().GetNarrative() != content.GetNarrative() {
		t.Errorf("got %d bytes, %v", len(got.GetReport().GetContent().GetNarrative()), err)
	}
	content.Narrative += "x"
	_, err = client.SubmitReport(t.Context(), submitRequest(content))
	checkRefused(t, err, fault.InvalidRequest, "content.narrative TOO_LONG")
}

// Ensure pasted text is mended and not refused, that the mended request is the same request, and that a text of blanks
// is none.
func TestSubmitReport_MendsText(t *testing.T) {
	t.Parallel()
	e := setup(t)
	client, req := e.person(t, cremona, "operator"), submitRequest(newContent())
	req.Content.Narrative = "perché\n\tno"
	first, err := client.SubmitReport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	pasted := proto.CloneOf(req)
	pasted.Content.Narrative = "\ufeffperche\u0301\r\n\tno\x00 \r\n"
	if again, err := client.SubmitReport(t.Context(), pasted); err != nil || again.GetNumber() != first.GetNumber() {
		t.Errorf("the pasted text: %v, %v", again, err)
	}
	blank := submitRequest(newContent())
	blank.Content.Narrative, blank.Content.NoticeVersion = " \r\n\t\x00", "2026\x00"
	_, err = client.SubmitReport(t.Context(), blank)
	checkRefused(t, err, fault.InvalidRequest, "content.narrative REQUIRED", "content.notice_version BAD_FORMAT")
}
