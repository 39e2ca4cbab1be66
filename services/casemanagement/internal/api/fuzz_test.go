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

// FuzzAssess ensures that any assessment is either refused as invalid, or stored and returned unchanged.
func FuzzAssess(f *testing.F) {
	e := setup(f)
	worker, id := e.worker(f), e.openCase(f)
	for _, modify := range []func(*casemanagementv1.AssessRequest){
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
		req := assessRequest(id, 1)
		modify(req)
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
			t.Errorf("unmodified request: %v", err)
		}
		// From here on only the assessment may be invalid.
		req.RequestId, req.CaseId = uuid.NewString(), id
		version := get(t, worker, id, basic).GetVersion()
		req.Version = version
		_, err := worker.Assess(t.Context(), &req)
		stored := get(t, worker, id, basic)
		switch {
		case err != nil:
			reason := fault.ReasonOf(fault.FromStatus(err))
			if reason != fault.InvalidRequest || stored.GetVersion() != version {
				t.Errorf("%v, version %d became %d", err, version, stored.GetVersion())
			}
		case req.GetValidateOnly():
			if stored.GetVersion() != version {
				t.Errorf("validate_only stored version %d", stored.GetVersion())
			}
		default:
			opts := cmp.Options{protocmp.Transform(), protocmp.IgnoreUnknown()}
			diff := cmp.Diff(req.GetAssessment(), stored.GetAssessment(), opts)
			if diff != "" || stored.GetVersion() != version+1 {
				t.Errorf("version %d became %d, %s", version, stored.GetVersion(), diff)
			}
		}
	})
}
