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

	"github.com/retepari/pari/pkg/fault"
)

// Ensure what a service refuses is what a client of ours reads.
func TestStatus_GoesThereAndBack(t *testing.T) {
	t.Parallel()
	sent := fault.Invalid(fault.Field{Path: "content.grounds[1]", Reason: fault.UnknownCode}, fault.Field{Path: "content.narrative", Reason: fault.TooLong, Limit: "20000"})
	st := fault.ToStatus(fmt.Errorf("submit: %w", sent), map[string]string{"trace_id": "abc"})
	var got *fault.Error
	if !errors.As(fault.FromStatus(st.Err()), &got) {
		t.Fatal("no fault came back")
	}
	want := []fault.Field{{Path: "content.grounds[1]", Reason: fault.UnknownCode}, {Path: "content.narrative", Reason: fault.TooLong}}
	if diff := cmp.Diff(want, got.Fields); diff != "" || got.Reason != fault.InvalidRequest || got.Meta["trace_id"] != "abc" {
		t.Errorf("got %v %v\n%s", got.Reason, got.Meta, diff)
	}
	for _, detail := range st.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			v := bad.GetFieldViolations()[1]
			if !strings.Contains(v.GetDescription(), "too long (20000)") || !strings.Contains(v.GetLocalizedMessage().GetMessage(), "troppo lungo (20000)") {
				t.Errorf("texts are %q and %q", v.GetDescription(), v.GetLocalizedMessage().GetMessage())
			}
		}
	}
}

// Ensure the cause stays inside.
func TestStatus_SaysNothingOfTheCause(t *testing.T) {
	t.Parallel()
	secret := errors.New("row of Anna Rossi")
	for _, err := range []error{secret, fault.New(fault.Unavailable).WithCause(secret), fault.New(fault.NotFound).WithCause(secret)} {
		st := fault.ToStatus(err, nil)
		if text := fmt.Sprint(st.Proto()); strings.Contains(text, "Anna") {
			t.Errorf("the status says %s", text)
		}
	}
	if st := fault.ToStatus(secret, nil); st.Code() != codes.Internal {
		t.Errorf("an unknown error is %v", st.Code())
	}
}

func TestStatus_OfContexts(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]codes.Code{context.Canceled: codes.Canceled, context.DeadlineExceeded: codes.DeadlineExceeded} {
		if got := fault.ToStatus(fmt.Errorf("x: %w", err), nil).Code(); got != want {
			t.Errorf("%v is %v", err, got)
		}
	}
}

func TestFromStatus_OfOthers(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]fault.Reason{codes.Unavailable: fault.Unavailable, codes.NotFound: "", codes.Unknown: ""} {
		if got := fault.ReasonOf(fault.FromStatus(status.Error(code, "x"))); got != want {
			t.Errorf("%v is %q, want %q", code, got, want)
		}
	}
}

func TestNew_RefusesAnUnknownReason(t *testing.T) {
	t.Parallel()
	if got := fault.New("NO_SUCH_REASON").Reason; got != fault.Internal {
		t.Errorf("got %s", got)
	}
}

// Ensure a service cannot register a reason twice, or one that says nothing to somebody.
func TestRegister_RefusesWhatIsIncomplete(t *testing.T) {
	t.Parallel()
	complete := fault.Entry{Reason: "TEST", Code: codes.NotFound, English: "e", Italian: "i", FixEnglish: "fe", FixItalian: "fi"}
	for name, change := range map[string]func(*fault.Entry){
		"registered already": func(e *fault.Entry) { e.Reason = fault.NotFound },
		"no reason":          func(e *fault.Entry) { e.Reason = "" },
		"no code":            func(e *fault.Entry) { e.Code = codes.OK },
		"no English":         func(e *fault.Entry) { e.English = "" },
		"no Italian":         func(e *fault.Entry) { e.Italian = "" },
		"no English fix":     func(e *fault.Entry) { e.FixEnglish = "" },
		"no Italian fix":     func(e *fault.Entry) { e.FixItalian = "" },
	} {
		entry := complete
		change(&entry)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: registered", name)
				}
			}()
			fault.Register("test", entry)
		}()
	}
}
