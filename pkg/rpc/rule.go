package rpc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// rule is the access rule of a method. The methods of gRPC itself (health, reflection) are open to every program of the
// network.
type rule struct {
	*accessv1.Rule
	infrastructure bool
	// endless is a stream of responses to one request. It has no end of its own, so it ends when the server drains.
	endless bool
}

const (
	defaultMaxRequest = 64 << 10
	defaultDeadline   = 15 * time.Second
	// maxDeadline bounds how long a call may go on whose caller was denied in the meantime.
	maxDeadline = time.Minute
)

// maxRequest is the largest request of the method, in bytes.
func (r rule) maxRequest() int { return cmp.Or(int(r.GetMaxRequestBytes()), defaultMaxRequest) }

// deadline is how long a call may take.
func (r rule) deadline() time.Duration {
	return cmp.Or(time.Duration(r.GetDeadlineSeconds())*time.Second, defaultDeadline)
}

// weight is what a call weighs, in units.
func (r rule) weight() int {
	switch r.GetCost() {
	case accessv1.Cost_COST_MEDIUM:
		return 4
	case accessv1.Cost_COST_HEAVY:
		return 20
	case accessv1.Cost_COST_UNSPECIFIED:
	}
	return 1
}

// readRules reads the rule of every registered method from the contract.
func (s *Server) readRules() error {
	var missing []error
	for service, info := range s.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			full, endless := "/"+service+"/"+m.Name, m.IsServerStream && !m.IsClientStream
			if strings.HasPrefix(service, "grpc.") {
				s.rules[full] = rule{Rule: &accessv1.Rule{}, infrastructure: true, endless: endless}
				continue
			}
			r, err := contractRule(service, m.Name)
			if err != nil {
				missing = append(missing, fmt.Errorf("%s: %w", full, err))
				continue
			}
			s.rules[full] = rule{Rule: r, endless: endless}
		}
	}
	for _, r := range s.rules {
		s.longestDeadline.Store(max(s.longestDeadline.Load(), int64(r.deadline())))
	}
	return errors.Join(missing...)
}

func contractRule(service, method string) (*accessv1.Rule, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil, fmt.Errorf("not in the contract: %w", err)
	}
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, errors.New("not a service of the contract")
	}
	m := sd.Methods().ByName(protoreflect.Name(method))
	if m == nil || !proto.HasExtension(m.Options(), accessv1.E_Rule) {
		return nil, errors.New("the contract gives no access rule")
	}
	r, _ := proto.GetExtension(m.Options(), accessv1.E_Rule).(*accessv1.Rule)
	return r, validateRule(r)
}

// validateRule returns an error for a rule that leaves something undefined.
func validateRule(r *accessv1.Rule) error {
	switch {
	case len(r.GetKinds()) == 0, slices.Contains(r.GetKinds(), accessv1.Kind_KIND_UNSPECIFIED):
		return errors.New("the access rule names no kind of caller")
	case r.GetScope() == accessv1.Scope_SCOPE_UNSPECIFIED:
		return errors.New("the access rule names no scope")
	case r.GetMaxRequestBytes() < 0, r.GetDeadlineSeconds() < 0:
		return errors.New("the access rule holds a negative limit")
	case time.Duration(r.GetDeadlineSeconds())*time.Second > maxDeadline:
		return fmt.Errorf("the access rule lets a call take longer than %s", maxDeadline)
	case slices.Contains(r.GetKinds(), accessv1.Kind_KIND_RECEIPT) && r.GetScope() != accessv1.Scope_SCOPE_NODE:
		return errors.New("the holder of a receipt can call in the scope of a node only")
	case slices.Contains(r.GetRoles(), accessv1.Role_ROLE_UNSPECIFIED):
		return errors.New("the access rule holds an empty role")
	case slices.Contains(r.GetKinds(), accessv1.Kind_KIND_SERVICE) != (len(r.GetServices()) > 0):
		return errors.New("services must be named when, and only when, services may call")
	case r.GetScope() != accessv1.Scope_SCOPE_PUBLIC && len(r.GetRoles()) == 0 &&
		slices.ContainsFunc(r.GetKinds(), needsRole):
		return errors.New("systems and people need a role for what is not public")
	}
	return nil
}

// needsRole reports whether callers of this kind need a role for what is not public.
func needsRole(k accessv1.Kind) bool {
	return k == accessv1.Kind_KIND_SYSTEM || k == accessv1.Kind_KIND_PERSON
}

// apply returns the principal with the grants that the rule asks for. It refuses what the rule does not name.
func (r rule) apply(p identity.Principal, tenants []tenant.ID) (identity.Principal, error) {
	if r.infrastructure {
		return p, nil
	}
	kind := p.Kind()
	if !slices.Contains(r.GetKinds(), kind) {
		// A console without an access token is told that it lacks one.
		if kind == accessv1.Kind_KIND_SYSTEM && slices.Contains(r.GetKinds(), accessv1.Kind_KIND_PERSON) {
			return p, fault.New(fault.NoToken)
		}
		return p, fault.New(fault.NotAllowed)
	}
	switch r.GetScope() {
	case accessv1.Scope_SCOPE_NODE:
		if !slices.Contains(tenants, p.Tenant()) {
			return p, fault.New(fault.WrongNode)
		}
	case accessv1.Scope_SCOPE_REGION:
		if !p.Tenant().IsCentre() {
			return p, fault.New(fault.NotAllowed)
		}
	case accessv1.Scope_SCOPE_PUBLIC:
	default:
		return p, fault.New(fault.NotAllowed)
	}
	granted := p.Filter(func(g identity.Grant) bool { return r.asksFor(g, p.Tenant()) })
	switch kind {
	case accessv1.Kind_KIND_SERVICE:
		if !slices.Contains(r.GetServices(), p.Program.Name) {
			return p, fault.New(fault.NotAllowed)
		}
	case accessv1.Kind_KIND_SYSTEM, accessv1.Kind_KIND_PERSON:
		if len(r.GetRoles()) > 0 && !granted.HasGrant() {
			return p, fault.New(fault.NotAllowed)
		}
	case accessv1.Kind_KIND_OPS, accessv1.Kind_KIND_RECEIPT:
	default:
		return p, fault.New(fault.NotAllowed)
	}
	return granted, nil
}

// asksFor reports whether a grant is one that the rule asks for. A rule without roles asks for none in particular, and
// its method may look at all of them.
func (r rule) asksFor(g identity.Grant, own tenant.ID) bool {
	if len(r.GetRoles()) == 0 {
		return true
	}
	if !slices.Contains(r.GetRoles(), g.Role) || g.Office != "" {
		return false
	}
	return r.GetScope() != accessv1.Scope_SCOPE_NODE || g.Tenant == own
}
