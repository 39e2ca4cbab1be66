package e2e_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/retepari/pari/e2e/contract"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/text"
	"github.com/retepari/pari/pkg/validate"
	_ "github.com/retepari/pari/services/casemanagement/app" // registers its reasons
	_ "github.com/retepari/pari/services/directory/app"      // registers its reasons
	_ "github.com/retepari/pari/services/intake/app"         // registers its reasons
	_ "github.com/retepari/pari/services/reporting/app"      // registers its reasons
)

// Ensure that hostile texts, dates and numbers in any field of any unary RPC never get INTERNAL, that each refusal has
// a registered reason and names a field, and that validate_only says what the call then says. What is accepted is
// stored once: the same request again is answered as a repetition.
//
// The test is not parallel because others count the stored reports of the shared cluster.
func TestHostileInput(t *testing.T) {
	h := sharedHarness(t)
	requests := h.validRequests(t)
	t.Run("all", func(t *testing.T) {
		for _, m := range contract.Methods() {
			if m.IsStreamingClient() || m.IsStreamingServer() {
				continue
			}
			if len(requests[m.Name()]) == 0 {
				t.Errorf("%s has no valid request", m.FullName())
			}
			for name, valid := range requests[m.Name()] {
				t.Run(string(m.Name())+name, func(t *testing.T) {
					t.Parallel()
					sweep(t, m, valid)
				})
			}
		}
	})
}

// validRequest is how a test calls an RPC as it should be called.
type validRequest struct {
	conn grpc.ClientConnInterface
	// make returns a request that is accepted. It makes the record that the request changes.
	make func(t *testing.T) proto.Message
}

// sweep sends hostile values in every field of a request that is otherwise valid.
func sweep(t *testing.T, m protoreflect.MethodDescriptor, valid validRequest) {
	s := sweeper{method: m, validRequest: valid}
	valid1, valid2 := s.make(t), s.make(t)
	if _, err := s.call(t, valid1); err != nil {
		t.Fatalf("a valid request: %v, %v", err, parseRefusal(t, err))
	}
	s.checkMalformed(t, valid2)
	s.base = valid2
	start, all := time.Now(), attempts(t, valid2)
	for _, a := range all {
		s.attempt(t, a)
	}
	t.Logf("%d hostile requests in %s", len(all), time.Since(start))
}

// attempt is one hostile request.
type attempt struct {
	name string
	set  []mutation
}

// attempts groups mutations, so that each has its effect with few calls: those of one value that the contract refuses
// come in one request, since a refusal lists all fields; so do texts that it accepts in fields without a form. All
// others come alone.
func attempts(t *testing.T, valid proto.Message) (all []attempt) {
	groups, order := map[string][]mutation{}, []string{}
	for i, m := range mutations(valid) {
		req := proto.Clone(valid)
		m.set(req)
		text.Normalize(req)
		fields, err := validate.Message(protovalidate.GlobalValidator, req)
		if err != nil {
			t.Fatal(err)
		}
		group := fmt.Sprintf("%d %s", i, m.path)
		switch plain := m.field.Kind() == protoreflect.StringKind && isPlain(m.field); {
		case len(fields) > 0, contract.ListOf(m.field) != "" && m.value.String() != "":
			group = fmt.Sprintf("refused %v %.40q", m.field.Kind(), m.value.String())
		case plain:
			group = fmt.Sprintf("accepted %.40q", m.value.String())
		}
		if groups[group] == nil {
			order = append(order, group)
		}
		groups[group] = append(groups[group], m)
	}
	for _, group := range order {
		all = append(all, attempt{group, groups[group]})
	}
	return all
}

// isPlain reports whether a text has neither a code list nor a form.
func isPlain(f protoreflect.FieldDescriptor) bool {
	rules, err := protovalidate.ResolveFieldRules(f)
	r := rules.GetString()
	if f.IsList() {
		r = rules.GetRepeated().GetItems().GetString()
	}
	return err == nil && contract.ListOf(f) == "" && r.GetMaxLen() > 0 && r.GetPattern() == "" && !r.GetEmail()
}

type sweeper struct {
	validRequest

	method protoreflect.MethodDescriptor
	base   proto.Message
}

// attempt sends a hostile request, with validate_only first where the RPC has it.
func (s *sweeper) attempt(t *testing.T, a attempt) {
	req := proto.Clone(s.base)
	renew(req)
	for _, m := range a.set {
		m.set(req)
	}
	var checked error
	validateOnly := req.ProtoReflect().Descriptor().Fields().ByName("validate_only")
	if validateOnly != nil {
		check := proto.Clone(req)
		check.ProtoReflect().Set(validateOnly, protoreflect.ValueOfBool(true))
		_, checked = s.call(t, check)
	}
	resp, err := s.call(t, req)
	s.checkRefusal(t, a, err)
	if validateOnly != nil && !sameAnswer(t, checked, err) {
		t.Errorf("%s: validate_only says %v %v, the call %v %v", a.name, checked, fieldsOf(checked), err, fieldsOf(err))
	}
	if err != nil {
		return
	}
	if replayed := resp.ProtoReflect().Descriptor().Fields().ByName("replayed"); replayed != nil {
		again, err := s.call(t, req)
		absent := proto.Size(resp) == 0 // nothing would change, so nothing is stored
		if err != nil || !again.ProtoReflect().Get(replayed).Bool() && !absent {
			t.Errorf("%s: the same request again: %v, %v", a.name, again, err)
		}
		s.base = s.make(t)
	}
}

// renew gives a request a new request id.
func renew(req proto.Message) {
	if f := req.ProtoReflect().Descriptor().Fields().ByName("request_id"); f != nil {
		req.ProtoReflect().Set(f, protoreflect.ValueOfString(uuid.NewString()))
	}
}

func fieldsOf(err error) (fields []string) {
	for _, f := range faultOf(err).Fields {
		fields = append(fields, f.Path+" "+string(f.Reason))
	}
	return fields
}

// faultOf returns the fault of a refusal, or an empty one.
func faultOf(err error) *fault.Error {
	if f, ok := fault.FromStatus(err).(*fault.Error); ok { //nolint:errorlint // FromStatus does not wrap
		return f
	}
	return &fault.Error{}
}

// sameAnswer reports whether two calls were accepted both, or refused for the same reason and fields.
func sameAnswer(t *testing.T, a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return parseRefusal(t, a).equal(parseRefusal(t, b))
}

// checkRefusal checks that a refusal says what to do.
func (s *sweeper) checkRefusal(t *testing.T, a attempt, err error) {
	if err == nil {
		return
	}
	f := faultOf(err)
	_, registered := fault.Lookup(f.Reason)
	switch code := status.Code(err); {
	case code == codes.Internal || code == codes.Unknown || !registered:
		t.Errorf("%s: %v", a.name, err)
	case code == codes.Unavailable, code == codes.DeadlineExceeded, f.Reason == fault.TooManyRequests:
		t.Errorf("%s: the service was not asked: %v", a.name, err)
	case f.Reason == fault.InvalidRequest && len(f.Fields) == 0:
		t.Errorf("%s: no field: %v", a.name, err)
	}
	for _, field := range f.Fields {
		if _, registered := fault.Lookup(field.Reason); !registered || field.Path == "" {
			t.Errorf("%s: field %q has the reason %s", a.name, field.Path, field.Reason)
		}
	}
}

// call calls the RPC.
func (s *sweeper) call(t *testing.T, req proto.Message) (proto.Message, error) {
	output, err := protoregistry.GlobalTypes.FindMessageByName(s.method.Output().FullName())
	if err != nil {
		t.Fatal(err)
	}
	resp := output.New().Interface()
	return resp, s.invoke(t, req, resp)
}

func (s *sweeper) invoke(t *testing.T, req, resp any, options ...grpc.CallOption) error {
	path := fmt.Sprintf("/%s/%s", s.method.Parent().FullName(), s.method.Name())
	return s.conn.Invoke(callContext(t), path, req, resp, options...)
}

// checkMalformed checks that a text that is not UTF-8 is refused with a reason in every field.
func (s *sweeper) checkMalformed(t *testing.T, valid proto.Message) {
	const marker = "HOSTILE"
	seen := map[string]bool{}
	for _, m := range mutations(valid) {
		if m.field.Kind() != protoreflect.StringKind || seen[m.path] {
			continue
		}
		seen[m.path] = true
		req := proto.Clone(valid)
		m.value = protoreflect.ValueOfString(marker)
		m.set(req)
		raw, err := proto.Marshal(req)
		if err != nil || !bytes.Contains(raw, []byte(marker)) {
			t.Fatal(m.path, err)
		}
		raw = bytes.Replace(raw, []byte(marker), []byte("\xff"+marker[1:]), 1)
		var resp []byte
		err = s.invoke(t, raw, &resp, grpc.ForceCodec(rawCodec{}))
		if got := faultOf(err).Reason; got != fault.MalformedRequest && got != fault.MessageTooLarge {
			t.Errorf("%s is not UTF-8: %v", m.path, err)
		}
	}
}

// rawCodec sends and receives bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string                       { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error)      { return v.([]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }

// Ensure that 20,000 characters of four bytes are stored as they are, as the contract promises, and that a text is
// mended and not refused: the same text pasted from another system is the same request.
func TestHostileInput_FreeText(t *testing.T) {
	h := sharedHarness(t)
	intake := h.Intake(t, "cremona", system("protocollo"))
	req := report()
	req.Content.Narrative = strings.Repeat("🛑", 20_000)
	if _, err := intake.SubmitReport(t.Context(), req); err != nil {
		t.Errorf("20,000 characters: %v", err)
	}
	req = report()
	req.Content.Narrative = "Al bar\tdi piazza:\n\nperché no?"
	if _, err := intake.SubmitReport(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	req.Content.Narrative = "\ufeffAl bar\tdi piazza:\r\n\r\nperche\u0301\x00 no?\r\n"
	resp, err := intake.SubmitReport(t.Context(), req)
	if err != nil || !resp.GetReplayed() {
		t.Errorf("the same text pasted: %v, %v", resp, err)
	}
}
