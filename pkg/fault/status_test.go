package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
)

// Ensure a client reads from a status the fault that the service returned.
func TestStatus_RoundTrip(t *testing.T) {
	t.Parallel()
	sent := fault.Invalid(
		fault.Field{Path: "content.grounds[1]", Reason: fault.UnknownCode},
		fault.Field{Path: "content.narrative", Reason: fault.TooLong, Limit: "20000"},
	)
	st := fault.ToStatus(fmt.Errorf("submit: %w", sent), map[string]string{"trace_id": "abc"})
	var got *fault.Error
	if !errors.As(fault.FromStatus(st.Err()), &got) {
		t.Fatal("the status has no fault")
	}
	want := []fault.Field{
		{Path: "content.grounds[1]", Reason: fault.UnknownCode},
		{Path: "content.narrative", Reason: fault.TooLong},
	}
	if diff := cmp.Diff(want, got.Fields); diff != "" {
		t.Error(diff)
	}
	if got.Reason != fault.InvalidRequest || got.Meta["trace_id"] != "abc" || st.Code() != codes.InvalidArgument {
		t.Errorf("got %v %v %v", st.Code(), got.Reason, got.Meta)
	}
}

// Ensure a status has English and Italian texts for the whole and for each field, and fields only where there are any.
func TestToStatus_Texts(t *testing.T) {
	t.Parallel()
	details := func(st *status.Status) (localized *errdetails.LocalizedMessage, bad *errdetails.BadRequest) {
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.LocalizedMessage:
				localized = d
			case *errdetails.BadRequest:
				bad = d
			}
		}
		return localized, bad
	}
	st := fault.ToStatus(fault.Invalid(fault.Field{Path: "a", Reason: fault.TooLong, Limit: "20000"}), nil)
	_, bad := details(st)
	v := bad.GetFieldViolations()[0]
	if v.GetDescription() != "this text is too long (20000): shorten it" {
		t.Errorf("English text of the field is %q", v.GetDescription())
	}
	if italian := v.GetLocalizedMessage().GetMessage(); italian != "questo testo è troppo lungo (20000): accorcialo" {
		t.Errorf("Italian text of the field is %q", italian)
	}
	st = fault.ToStatus(fault.New(fault.BadToken), nil)
	localized, bad := details(st)
	if st.Message() != "the access token is not valid: sign in again" ||
		localized.GetMessage() != "il token di accesso non è valido: accedi di nuovo" || bad != nil {
		t.Errorf("texts are %q and %q, fields %v", st.Message(), localized.GetMessage(), bad)
	}
}

// Ensure a field has no limit in its text where there is none, and an unregistered reason still gets texts.
func TestField_Texts(t *testing.T) {
	t.Parallel()
	badFormat, _ := fault.Field{Reason: fault.BadFormat}.Texts()
	for reason, want := range map[fault.Reason]string{
		fault.TooLong: "this text is too long: shorten it", "NO_SUCH_REASON": badFormat,
	} {
		if english, italian := (fault.Field{Reason: reason}).Texts(); english != want || italian == "" {
			t.Errorf("%s: %q, %q", reason, english, italian)
		}
	}
}

// Ensure a cause never reaches the caller.
func TestToStatus_HidesTheCause(t *testing.T) {
	t.Parallel()
	secret := errors.New("row of Anna Rossi")
	for want, err := range map[codes.Code]error{
		codes.Internal:    secret,
		codes.Unavailable: fault.New(fault.Unavailable).WithCause(secret),
		codes.NotFound:    fault.New(fault.NotFound).WithCause(secret),
	} {
		st := fault.ToStatus(err, nil)
		if text := fmt.Sprint(st.Proto()); st.Code() != want || strings.Contains(text, "Anna") {
			t.Errorf("status is %s", text)
		}
	}
}

// Ensure a reason that this process has not registered, such as that of another service's answer, becomes INTERNAL
// without its facts.
func TestToStatus_UnregisteredReason(t *testing.T) {
	t.Parallel()
	info := &errdetails.ErrorInfo{
		Reason: "NO_SUCH_REASON", Domain: fault.Domain, Metadata: map[string]string{"state": "far"},
	}
	foreign, err := status.New(codes.NotFound, "x").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	received := fault.FromStatus(foreign.Err())
	if !fault.Is(received, "NO_SUCH_REASON") {
		t.Errorf("received %v", received)
	}
	got, want := fault.ToStatus(received, nil), fault.ToStatus(fault.New(fault.Internal), nil)
	if got.Code() != codes.Internal || !proto.Equal(got.Proto(), want.Proto()) {
		t.Errorf("status is %v", got.Proto())
	}
}

// Ensure an ended context keeps its code, and no error is no status.
func TestToStatus_Contexts(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]codes.Code{
		context.Canceled: codes.Canceled, context.DeadlineExceeded: codes.DeadlineExceeded,
	} {
		if got := fault.ToStatus(fmt.Errorf("x: %w", err), nil).Code(); got != want {
			t.Errorf("%v is %v", err, got)
		}
	}
	if st := fault.ToStatus(nil, nil); st != nil {
		t.Errorf("nil is %v", st)
	}
}

// Ensure only statuses without a reason of ours that a retry may help become UNAVAILABLE, and other errors stay as they
// are.
func TestFromStatus_ForeignErrors(t *testing.T) {
	t.Parallel()
	info := &errdetails.ErrorInfo{Reason: "NOT_FOUND", Domain: "other"}
	foreign, err := status.New(codes.NotFound, "x").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want fault.Reason
	}{
		{nil, ""},
		{errors.New("x"), ""},
		{status.Error(codes.Unavailable, "x"), fault.Unavailable},
		{status.Error(codes.DeadlineExceeded, "x"), fault.Unavailable},
		{status.Error(codes.ResourceExhausted, "x"), fault.Unavailable},
		{status.Error(codes.NotFound, "x"), ""},
		{status.Error(codes.Unknown, "x"), ""},
		{foreign.Err(), ""},
	} {
		got := fault.FromStatus(c.err)
		if fault.ReasonOf(got) != c.want || !errors.Is(got, c.err) {
			t.Errorf("%v is %v, want %q", c.err, got, c.want)
		}
		if c.want == "" && got != c.err { //nolint:errorlint // the same error, not one that wraps it
			t.Errorf("%v was changed to %v", c.err, got)
		}
	}
}
