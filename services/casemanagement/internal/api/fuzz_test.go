package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
)

// Ensure whatever bytes come as an assessment are refused by name, or stored as they were said and shown again: nothing is an
// internal error.
func FuzzAssess(f *testing.F) {
	w := open(f)
	worker, id := w.worker(f), w.opened(f)
	for _, spoil := range []func(*casemanagementv1.AssessRequest){
		func(*casemanagementv1.AssessRequest) {},
		func(r *casemanagementv1.AssessRequest) { r.Assessment = nil },
		func(r *casemanagementv1.AssessRequest) { r.ValidateOnly = true },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.IncidentMonth = nil },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.Flags = nil },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.Flags = []string{""} },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.Grounds = []string{"DISABILITY"} },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.Residence = "019036\x00" },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.IncidentMonth.Month = -1 },
		func(r *casemanagementv1.AssessRequest) { r.Assessment.Sensitivity = "S4" },
		func(r *casemanagementv1.AssessRequest) { r.Version = -1 },
	} {
		req := assessing(id, 1)
		spoil(req)
		raw, err := proto.Marshal(req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var req casemanagementv1.AssessRequest
		if proto.Unmarshal(raw, &req) != nil {
			return
		}
		if _, err := worker.Assess(t.Context(), &req); fault.ReasonOf(fault.FromStatus(err)) == fault.Internal {
			t.Errorf("as it is: %v", err)
		}
		// What is left to be wrong is the assessment alone.
		req.RequestId, req.CaseId = uuid.NewString(), id
		version := get(t, worker, id, basic).GetVersion()
		req.Version = version
		_, err := worker.Assess(t.Context(), &req)
		now := get(t, worker, id, basic)
		switch {
		case err != nil:
			if reason := fault.ReasonOf(fault.FromStatus(err)); reason != fault.InvalidRequest || now.GetVersion() != version {
				t.Errorf("%v, version %d became %d", err, version, now.GetVersion())
			}
		case req.GetValidateOnly():
			if now.GetVersion() != version {
				t.Errorf("a check stored version %d", now.GetVersion())
			}
		default:
			if diff := cmp.Diff(req.GetAssessment(), now.GetAssessment(), protocmp.Transform(), protocmp.IgnoreUnknown()); diff != "" || now.GetVersion() != version+1 {
				t.Errorf("version %d became %d, %s", version, now.GetVersion(), diff)
			}
		}
	})
}
