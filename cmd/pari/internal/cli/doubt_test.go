package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// Ensure that a person is told that an earlier attempt had stored the request already.
func TestWrites_TellOfAReplay(t *testing.T) {
	t.Parallel()
	s := newStore(t, maxAttempts)
	s.net.run(t, strings.Fields(submitCommand)...)
	out, errOut, code := s.net.run(t, strings.Fields(submitCommand)...)
	if code != 0 || !strings.Contains(out, "già registrata da un invio precedente") {
		t.Errorf("exit %d, %s%s", code, out, errOut)
	}
	if out, _, _ := s.net.run(t, strings.Fields(submitCommand)...); strings.Contains(out, "già registrata") {
		t.Errorf("a new request: %s", out)
	}
}

// brokenWriter is an output that cannot be written to.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Ensure that a request keeps its id until its answer was written, and that the person is told that it is stored.
func TestWrites_UnwrittenAnswer(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", " -o json"} {
		s := newStore(t, 0)
		c := s.net.command(t)
		c.out = brokenWriter{}
		_, errOut, code := c.run(t, strings.Fields(submitCommand+flags)...)
		if code != 1 || len(pendingFiles(t, s.net)) != 1 || !strings.Contains(errOut, "la richiesta è registrata") ||
			!strings.Contains(errOut, "no space left") || !strings.Contains(errOut, "ripeti lo stesso comando") {
			t.Errorf("exit %d, pending %v, %s", code, pendingFiles(t, s.net), errOut)
		}
		out, errOut, code := s.net.run(t, strings.Fields(submitCommand)...)
		if code != 0 || !strings.Contains(out, "CR-2026-K7Q4M-V") || len(s.writes) != 1 ||
			len(pendingFiles(t, s.net)) != 0 {
			t.Errorf("again: exit %d, %d stored, %s%s", code, len(s.writes), out, errOut)
		}
	}
}

// Ensure that every attempt says when the first one was made.
func TestWrites_FirstSentAt(t *testing.T) {
	t.Parallel()
	var sent []time.Time
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		if r, ok := req.(*intakev1.SubmitReportRequest); ok {
			sent = append(sent, r.GetFirstSentAt().AsTime())
		}
		return nil, status.Error(codes.DeadlineExceeded, "")
	})
	before := time.Now()
	for range 2 {
		f.run(t, strings.Fields(submitCommand)...)
	}
	if len(sent) != 2 || !sent[0].Equal(sent[1]) || sent[0].Before(before) || sent[0].After(time.Now()) {
		t.Errorf("got %v", sent)
	}
}

// Ensure that only the connection retries: UNAVAILABLE as often as it is configured to, and nothing else.
func TestWrites_RetryInOnePlace(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]int{codes.Unavailable: maxAttempts, codes.DeadlineExceeded: 1} {
		f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) {
			return nil, status.Error(code, "")
		})
		f.run(t, strings.Fields(submitCommand)...)
		if n := f.called("SubmitReport"); n != want {
			t.Errorf("%v: %d attempts, want %d", code, n, want)
		}
	}
}

// Ensure that a refusal after an attempt without an answer keeps the request id, and says that the request may be
// stored: the attempt may have been made by an earlier command, by another computer, or by the connection.
func TestWrites_RefusedAfterNoAnswer(t *testing.T) {
	t.Parallel()
	refused := fault.ToStatus(fault.New(fault.ForbiddenMove), nil).Err()
	for _, c := range []struct {
		name     string
		commands int
		outcomes []error
		flags    string
	}{
		{"earlier command", 2, []error{status.Error(codes.DeadlineExceeded, ""), refused}, ""},
		{"another computer", 1, []error{refused}, " --request-id " + uuid.NewString()},
		{"connection", 1, []error{status.Error(codes.Unavailable, ""), refused}, ""},
	} {
		var ids []string
		f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
			ids = append(ids, req.(mutation).GetRequestId()) //nolint:forcetypeassert // all calls are writes
			return nil, c.outcomes[min(len(ids), len(c.outcomes))-1]
		})
		args := strings.Fields("report take " + someID + " --version 1 --lang en" + c.flags)
		var errOut string
		for range c.commands {
			_, errOut, _ = f.run(t, args...)
		}
		for _, want := range []string{"[FORBIDDEN_MOVE]", "may be stored already", ids[0], "→ pari report show"} {
			if !strings.Contains(errOut, want) {
				t.Errorf("%s: %q is missing: %s", c.name, want, errOut)
			}
		}
		if strings.Contains(errOut, "rpc error") || len(pendingFiles(t, f)) != 1 {
			t.Errorf("%s: pending %v: %s", c.name, pendingFiles(t, f), errOut)
		}
		f.run(t, args...)
		anew := uuid.NewString()
		f.run(t, append(slices.Clone(args), "--request-id", anew)...)
		last := len(ids) - 1
		if len(slices.Compact(ids[:last])) != 1 || ids[last] != anew {
			t.Errorf("%s: sent %v", c.name, ids)
		}
	}
}

// Ensure that a refusal is final where nothing was sent before, or where the id is that of another request.
func TestWrites_RefusedForGood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		flags string
	}{
		{fault.New(fault.NotAllowed), ""}, {fault.New(fault.TooManyRequests), ""}, {fault.New(fault.ExpiredToken), ""},
		{fault.New(fault.RequestIDReused), " --request-id " + uuid.NewString()},
	} {
		f := refusal(t, c.err)
		_, errOut, code := f.run(t, strings.Fields(submitCommand+c.flags)...)
		if code != 1 || strings.Contains(errOut, "può essere già") || len(pendingFiles(t, f)) != 0 {
			t.Errorf("%v: exit %d, pending %v, %s", c.err, code, pendingFiles(t, f), errOut)
		}
	}
}

// Ensure that an attempt that is too late points to the list of reports, and to a way to start anew.
func TestErrors_RequestIDExpired(t *testing.T) {
	t.Parallel()
	st, err := status.New(codes.FailedPrecondition, "").WithDetails(&errdetails.ErrorInfo{Reason: requestIDExpired})
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) { return nil, st.Err() })
	_, errOut, code := f.run(t, strings.Fields(submitCommand+" --request-id "+uuid.NewString())...)
	if code != 1 || !strings.Contains(errOut, "→ pari report list mostra se c'è già") ||
		!strings.Contains(errOut, "--request-id ") || strings.Count(errOut, "se non c'è") != 1 {
		t.Errorf("exit %d, %s", code, errOut)
	}
}

// Ensure that an assessment is not replaced unless the person says which version they have seen.
func TestCaseAssess_KeepsTheAssessmentOfOthers(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, serveRecords(sampleReport(false), false))
	for _, flags := range []string{"", " --validate-only"} {
		for lang, want := range map[string]string{
			"it": "il caso ha già una verifica (versione attuale: 2): guardala; per sostituirla indica --version 2\n" +
				"→ pari case show CR-C-2026-7XH3P-P\n",
			"en": "the case has an assessment already (current version: 2):",
		} {
			_, errOut, code := f.run(t, strings.Fields(assessID+flags+" --lang "+lang)...)
			if code != 1 || !strings.HasPrefix(errOut, want) || f.called("Assess") != 0 {
				t.Errorf("exit %d, %d calls, %s", code, f.called("Assess"), errOut)
			}
		}
	}
	if _, errOut, code := f.run(t, strings.Fields(assessID+" --version 2")...); code != 0 || f.called("Assess") != 1 {
		t.Errorf("exit %d, %s", code, errOut)
	}
}

// Ensure that an assessment says how sensitive the case is, and that its month is one.
func TestCaseAssess_Flags(t *testing.T) {
	t.Parallel()
	var got *casemanagementv1.Assessment
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		if r, ok := req.(*casemanagementv1.AssessRequest); ok {
			got = r.GetAssessment()
		}
		return answerHostile("", req)
	})
	withoutSensitivity := strings.Replace(assessID, " --sensitivity S3", "", 1)
	for args, want := range map[string]string{
		withoutSensitivity + " --version 1":           "manca --sensitivity",
		withoutSensitivity + " --version 1 --lang en": "--sensitivity is missing",
		assessID + " --version 1 --month 2026-13":     "--month è un mese come 2026-03",
		assessID + " --version 1 --month 2026-03-01":  "--month è un mese come 2026-03",
		assessID + " --version 1 --month 202603":      "--month è un mese come 2026-03",
	} {
		if _, errOut, code := f.run(t, strings.Fields(args)...); code == 0 || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit %d, %s", args, code, errOut)
		}
	}
	if _, errOut, code := f.run(t, strings.Fields(assessID+" --version 1 --month 2026-03")...); code != 0 {
		t.Fatalf("exit %d, %s", code, errOut)
	}
	if m := got.GetIncidentMonth(); m.GetYear() != 2026 || m.GetMonth() != 3 || got.GetSensitivity() != "S3" {
		t.Errorf("sent %v", got)
	}
}

// Ensure that a folder that cannot be written to is named in both languages.
func TestErrors_FolderNotWritable(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"it": "non si può scrivere", "en": "not writable"} {
		s := newStore(t, 0)
		s.net.writeFile(t, "sessions/pending", "") // a file where the folder should be
		_, errOut, code := s.net.run(t, strings.Fields(submitCommand+" --lang "+lang)...)
		if code != 1 || !strings.Contains(errOut, want) || !strings.Contains(errOut, s.net.dir) ||
			!strings.Contains(errOut, "→ --dir") || len(s.writes) != 0 {
			t.Errorf("exit %d, %s", code, errOut)
		}
	}
	c := &cli{dir: newFakeNetwork(t, nil).writeFile(t, "file", "")}
	if err := c.saveSession(session{User: "u"}); err == nil || !strings.Contains(err.Error(), "not writable") {
		t.Errorf("session: %v", err)
	}
}
