package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// FuzzSubmit ensures that whatever is sent is either refused as invalid, or stored and read again as it was told.
func FuzzSubmit(f *testing.F) {
	for _, spoil := range []func(*intakev1.ReportContent){
		func(*intakev1.ReportContent) {},
		func(c *intakev1.ReportContent) { c.Anonymous, c.Contact, c.Consents = true, nil, nil },
		func(c *intakev1.ReportContent) { c.Anonymous = true },
		func(c *intakev1.ReportContent) { c.Contact, c.IncidentDate.Month = &intakev1.Contact{}, 13 },
		func(c *intakev1.ReportContent) { c.NoticeVersion, c.Narrative = "\x00", "\x00\n" },
		func(c *intakev1.ReportContent) { c.NoticeVersion, c.Narrative = "\u202e'; --", "\U0001f6d1" },
		func(c *intakev1.ReportContent) { c.Narrative = strings.Repeat("\U0001f6d1", 20000) },
	} {
		content := told()
		spoil(content)
		raw, err := proto.Marshal(content)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	w := open(f)
	client := w.person(f, "cremona", "operator")
	f.Fuzz(func(t *testing.T, raw []byte) {
		content := &intakev1.ReportContent{}
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, content) != nil {
			t.Skip("not a message")
		}
		request := submission(content)
		answer, err := client.SubmitReport(t.Context(), request)
		if err != nil {
			tooLarge := proto.Size(request) > rpc.MaxRequest
			if reason := fault.ReasonOf(fault.FromStatus(err)); reason != fault.InvalidRequest && !tooLarge {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		got, err := client.GetReport(t.Context(), &intakev1.GetReportRequest{ReportId: answer.GetReportId(), View: full})
		if err != nil {
			t.Fatal(err)
		}
		if proto.Size(content.GetContact()) == 0 {
			content.Contact = nil // a contact that says nothing is none
		}
		if diff := cmp.Diff(content, got.GetReport().GetContent(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	})
}
