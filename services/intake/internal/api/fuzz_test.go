package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/text"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// maxRequest is the largest request of SubmitReport.
const maxRequest = 128 << 10

// FuzzSubmit ensures that any content is either refused as invalid, or stored and returned as the pipeline mends it.
func FuzzSubmit(f *testing.F) {
	for _, modify := range []func(*intakev1.ReportContent){
		func(*intakev1.ReportContent) {},
		func(c *intakev1.ReportContent) { c.Anonymous, c.Contact, c.Consents = true, nil, nil },
		func(c *intakev1.ReportContent) { c.Anonymous = true },
		func(c *intakev1.ReportContent) { c.Contact, c.IncidentDate.Month = &intakev1.Contact{}, 13 },
		func(c *intakev1.ReportContent) { c.NoticeVersion, c.Narrative = "\x00", "\x00\n" },
		func(c *intakev1.ReportContent) { c.NoticeVersion, c.Narrative = "\u202e'; --", "\U0001f6d1" },
		func(c *intakev1.ReportContent) { c.Narrative = strings.Repeat("\U0001f6d1", 20000) },
	} {
		content := newContent()
		modify(content)
		raw, err := proto.Marshal(content)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	e := setup(f)
	client := e.person(f, cremona, "operator")
	f.Fuzz(func(t *testing.T, raw []byte) {
		content := &intakev1.ReportContent{}
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, content) != nil {
			t.Skip("not a message")
		}
		req := submitRequest(content)
		resp, err := client.SubmitReport(t.Context(), req)
		if err != nil {
			tooLarge := proto.Size(req) > maxRequest
			if reason := fault.ReasonOf(fault.FromStatus(err)); reason != fault.InvalidRequest && !tooLarge {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		text.Normalize(content)
		get := &intakev1.GetReportRequest{ReportId: resp.GetReportId(), View: full}
		got, err := client.GetReport(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		if proto.Size(content.GetContact()) == 0 {
			content.Contact = nil // an empty contact is stored as none
		}
		if diff := cmp.Diff(content, got.GetReport().GetContent(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	})
}
