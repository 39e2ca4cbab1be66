package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/retepari/pari/pkg/fault"
)

func TestNew_RefusesAnUnregisteredReason(t *testing.T) {
	t.Parallel()
	if got := fault.New("NO_SUCH_REASON"); got.Reason != fault.Internal || got.Unwrap() == nil {
		t.Errorf("got %v", got)
	}
}

// Ensure no field at fault means no error.
func TestInvalid(t *testing.T) {
	t.Parallel()
	if err := fault.Invalid(); err != nil {
		t.Errorf("without fields: %v", err)
	}
	if err := fault.Invalid(fault.Field{Path: "a", Reason: fault.Required}); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("with a field: %v", err)
	}
}

// Ensure the text for the log names reason, fields and cause.
func TestError_Error(t *testing.T) {
	t.Parallel()
	invalid := fault.Invalid(
		fault.Field{Path: "a", Reason: fault.Required}, fault.Field{Path: "b[1]", Reason: fault.TooLong, Limit: "20"},
	)
	for want, err := range map[string]error{
		"NOT_FOUND":                fault.New(fault.NotFound),
		"UNAVAILABLE: conn closed": fault.New(fault.Unavailable).WithCause(errors.New("conn closed")),
		"WRONG_VERSION":            fault.New(fault.WrongVersion).WithMeta("current_version", "4"),
		"INVALID_REQUEST a:REQUIRED b[1]:TOO_LONG": invalid,
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Ensure WithCause and WithMeta return changed copies: a fault may be shared.
func TestError_WithReturnsACopy(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	original := fault.New(fault.WrongVersion).WithMeta("a", "1")
	changed := original.WithMeta("b", "2").WithCause(cause)
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, changed.Meta); diff != "" || !errors.Is(changed, cause) {
		t.Errorf("changed copy: %v\n%s", changed, diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "1"}, original.Meta); diff != "" || original.Unwrap() != nil {
		t.Errorf("original: %v\n%s", original, diff)
	}
}

// Ensure the outermost fault of a chain decides.
func TestReasonOf(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.NotFound)
	outer := fault.New(fault.Unavailable).WithCause(inner)
	for _, c := range []struct {
		err  error
		want fault.Reason
	}{
		{nil, ""}, {errors.New("x"), ""}, {fmt.Errorf("x: %w", inner), fault.NotFound},
		{fmt.Errorf("x: %w", outer), fault.Unavailable},
	} {
		if got := fault.ReasonOf(c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
		if got := fault.Is(c.err, c.want); got != (c.want != "") {
			t.Errorf("%v is %q: %t", c.err, c.want, got)
		}
		if fault.Is(c.err, fault.WrongNode) {
			t.Errorf("%v is %s", c.err, fault.WrongNode)
		}
	}
}

// Ensure an entry without a reason, a code or a text in both languages cannot be registered, nor a reason twice.
func TestRegister_RefusesIncompleteEntries(t *testing.T) {
	t.Parallel()
	complete := fault.Entry{
		Reason: "TEST", Code: codes.NotFound, English: "e", Italian: "i", FixEnglish: "fe", FixItalian: "fi",
	}
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

// Entries of two services, registered as a service does: before anything reads the registry.
func init() {
	for service, reason := range map[string]fault.Reason{"zeta": "TEST_ZETA", "alpha": "TEST_ALPHA"} {
		fault.Register(service, fault.Entry{
			Reason: reason, Code: codes.NotFound, English: "e", Italian: "i", FixEnglish: "fe", FixItalian: "fi",
		})
	}
}

// Ensure the registry knows which service an entry belongs to, and lists shared reasons first.
func TestReasons(t *testing.T) {
	t.Parallel()
	if e, ok := fault.Lookup("TEST_ALPHA"); !ok || e.Service != "alpha" || e.Reason != "TEST_ALPHA" {
		t.Errorf("got %+v, %t", e, ok)
	}
	if e, ok := fault.Lookup("NO_SUCH_REASON"); ok {
		t.Errorf("got %+v for an unregistered reason", e)
	}
	all := fault.Reasons()
	last := all[len(all)-2:]
	if last[0].Service != "alpha" || last[1].Service != "zeta" {
		t.Errorf("the last two are of %q and %q", last[0].Service, last[1].Service)
	}
	for i, e := range all[:len(all)-2] {
		if e.Service != "" || i > 0 && e.Reason <= all[i-1].Reason {
			t.Errorf("%s of %q is out of order", e.Reason, e.Service)
		}
	}
}
