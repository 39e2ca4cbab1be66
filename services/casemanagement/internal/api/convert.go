package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

func actorFromCaller(c identity.Principal) casefile.Actor {
	return casefile.Actor{Person: c.Person, Tenant: c.Tenant(), System: c.Program.Name}
}

func actorFromProto(a *recordv1.Actor) casefile.Actor {
	return casefile.Actor{
		Person: a.GetPerson(), Tenant: tenant.ID{Region: a.GetRegion(), Node: a.GetNode()}, System: a.GetSystem(),
	}
}

func actorToProto(a casefile.Actor) *recordv1.Actor {
	return &recordv1.Actor{Person: a.Person, Region: a.Tenant.Region, Node: a.Tenant.Node, System: a.System}
}

func assessmentFromProto(a *casemanagementv1.Assessment) casefile.Assessment {
	out := casefile.Assessment{
		Verdict: a.GetVerdict(), Grounds: a.GetGrounds(), MainGround: a.GetMainGround(), Type: a.GetType(),
		Flags: a.GetFlags(), Field: a.GetField(), AuthorKinds: a.GetAuthorKinds(), EventPlace: a.GetEventPlace(),
		Residence: a.GetResidence(), Sensitivity: a.GetSensitivity(),
	}
	if m := a.GetIncidentMonth(); m != nil {
		out.IncidentMonth = &casefile.Month{Year: m.GetYear(), Month: m.GetMonth()}
	}
	return out
}

func assessmentToProto(a *casefile.Assessment) *casemanagementv1.Assessment {
	if a == nil {
		return nil
	}
	out := &casemanagementv1.Assessment{
		Verdict: a.Verdict, Grounds: a.Grounds, MainGround: a.MainGround, Type: a.Type, Flags: a.Flags, Field: a.Field,
		AuthorKinds: a.AuthorKinds, EventPlace: a.EventPlace, Residence: a.Residence, Sensitivity: a.Sensitivity,
	}
	if m := a.IncidentMonth; m != nil {
		out.IncidentMonth = &recordv1.Month{Year: m.Year, Month: m.Month}
	}
	return out
}

// caseToProto converts a case without actions, notes and history.
func caseToProto(c *casefile.Case) *casemanagementv1.Case {
	out := &casemanagementv1.Case{
		CaseId: c.ID, Number: c.Number, Region: c.Tenant.Region, Node: c.Tenant.Node, State: stateToProto(c.State),
		Version: c.Version, ReportIds: c.ReportIDs, Episode: c.Episode, OpenedAt: timestamppb.New(c.OpenedAt),
		Assessment: assessmentToProto(c.Assessment),
	}
	if c.ClosedAt != nil {
		out.ClosedAt = timestamppb.New(*c.ClosedAt)
	}
	if c.Closing != nil {
		out.Closing = &casemanagementv1.Closing{
			Outcome: c.Closing.Outcome, SecondaryOutcomes: c.Closing.SecondaryOutcomes,
			PersonInformed: c.Closing.PersonInformed,
		}
	}
	return out
}

// actionsToProto converts actions without their notes.
func actionsToProto(actions []casefile.Action) []*casemanagementv1.Action {
	var out []*casemanagementv1.Action
	for _, a := range actions {
		out = append(out, &casemanagementv1.Action{
			ActionId: a.ID, Code: a.Code, Result: a.Result, ReferralTarget: a.ReferralTarget, Minutes: a.Minutes,
			RecordedAt: timestamppb.New(a.At), RecordedBy: actorToProto(a.By),
		})
	}
	return out
}

func historyToProto(history []casefile.HistoryEntry) []*recordv1.HistoryEntry {
	var out []*recordv1.HistoryEntry
	for _, h := range history {
		out = append(out, &recordv1.HistoryEntry{
			Version: h.Version, At: timestamppb.New(h.At), What: h.What,
			FromState: string(h.From), ToState: string(h.To), By: actorToProto(h.By),
		})
	}
	return out
}

// statePrefix begins the names of states in the contract. A test converts every state both ways.
const statePrefix = "CASE_STATE_"

func stateToProto(s casefile.State) casemanagementv1.CaseState {
	return casemanagementv1.CaseState(casemanagementv1.CaseState_value[statePrefix+string(s)])
}

// stateFromProto converts a filter; "" stands for every state.
func stateFromProto(s casemanagementv1.CaseState) casefile.State {
	if s == casemanagementv1.CaseState_CASE_STATE_UNSPECIFIED {
		return ""
	}
	return casefile.State(s.String()[len(statePrefix):])
}
