package fault_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/pkg/fault"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

// Ensure every reason has a code and four texts, and stands once.
func TestRegistry_IsComplete(t *testing.T) {
	t.Parallel()
	seen := map[fault.Reason]bool{}
	for _, e := range fault.Reasons() {
		if e.Code == codes.OK || e.English == "" || e.Italian == "" || e.FixEnglish == "" || e.FixItalian == "" || seen[e.Reason] {
			t.Errorf("%s is incomplete or stands twice", e.Reason)
		}
		seen[e.Reason] = true
	}
	if len(seen) < 40 {
		t.Errorf("only %d reasons", len(seen))
	}
}

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
	for _, err := range []error{secret, fault.New(fault.Unavailable).Because(secret), fault.New(fault.NotFound).Because(secret)} {
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

// Ensure docs/errors.md is the registry.
func TestDocs_Errors(t *testing.T) {
	t.Parallel()
	const page = "../../docs/errors.md"
	var b strings.Builder
	b.WriteString("# Errors\n\nEvery refusal carries a gRPC code, an English message, and as details `google.rpc.ErrorInfo` (`reason`, domain `pari`), " +
		"`google.rpc.LocalizedMessage` (Italian) and, for `INVALID_REQUEST`, `google.rpc.BadRequest` with the path, the reason and both " +
		"texts of every field at fault, all at once. Nothing is stored by a call that was refused.\n\nRetry `UNAVAILABLE` with the same " +
		"`request_id`; nothing is done twice. Don't retry anything else unchanged. Written from the registry by `make gen`.\n\n" +
		"| reason | code | meaning | what to do | significato | che cosa fare |\n|---|---|---|---|---|---|\n")
	for _, e := range fault.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", e.Reason, e.Code, e.English, e.FixEnglish, e.Italian, e.FixItalian)
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Error("docs/errors.md is not what the registry says: run make gen")
	}
}
