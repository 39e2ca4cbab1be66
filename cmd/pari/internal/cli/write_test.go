package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// maxAttempts is how often rpc.ServiceConfig lets a connection send a call.
const maxAttempts = 3

// store is a service that stores each write once, by its request id, and cuts the connection instead of answering
// while cuts is above zero.
type store struct {
	mu      sync.Mutex
	net     *fakeNetwork
	cuts    int
	version int64
	// assessed says that the case has an assessment.
	assessed bool
	writes   map[string]string // body by request id
	ids      []string          // of all writes, also repeated ones
}

func newStore(t *testing.T, cuts int) *store {
	t.Helper()
	s := &store{cuts: cuts, version: 1, writes: map[string]string{}}
	s.net = newFakeNetwork(t, s.handle)
	return s
}

func (s *store) handle(_ string, req proto.Message) (proto.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := req.(type) {
	case *intakev1.GetReportRequest:
		return &intakev1.GetReportResponse{Report: &intakev1.Report{Version: s.version, ReportId: r.GetReportId()}}, nil
	case *casemanagementv1.GetCaseRequest:
		theCase := &casemanagementv1.Case{Version: s.version}
		if s.assessed {
			theCase.Assessment = &casemanagementv1.Assessment{}
		}
		return &casemanagementv1.GetCaseResponse{Case: theCase}, nil
	case *directoryv1.ListEntriesRequest:
		return &directoryv1.ListEntriesResponse{}, nil
	case mutation:
		return s.write(r)
	}
	return nil, status.Error(codes.Unimplemented, "")
}

func (s *store) write(req mutation) (proto.Message, error) {
	id, body := req.GetRequestId(), req.ProtoReflect().Interface()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(body)
	if err != nil {
		return nil, err
	}
	s.ids = append(s.ids, id)
	stored, replayed := s.writes[id]
	switch {
	case replayed && stored != string(raw):
		return nil, status.Error(codes.AlreadyExists, "another body")
	case !replayed:
		if v, ok := req.(interface{ GetVersion() int64 }); ok && v.GetVersion() != s.version {
			return nil, status.Error(codes.Aborted, "wrong version")
		}
		s.writes[id] = string(raw)
		s.version++
		_, s.assessed = req.(*casemanagementv1.AssessRequest)
	}
	if s.cuts > 0 {
		s.cuts--
		s.net.cut()
		return nil, status.Error(codes.Unavailable, "")
	}
	switch req.(type) {
	case *intakev1.SubmitReportRequest:
		return &intakev1.SubmitReportResponse{Number: "CR-2026-K7Q4M-V", Replayed: replayed}, nil
	case *intakev1.TakeInChargeRequest:
		return &intakev1.TakeInChargeResponse{Replayed: replayed}, nil
	case *casemanagementv1.AssessRequest:
		return &casemanagementv1.AssessResponse{Replayed: replayed}, nil
	case *casemanagementv1.RecordActionRequest:
		return &casemanagementv1.RecordActionResponse{Replayed: replayed}, nil
	case *casemanagementv1.CloseCaseRequest:
		return &casemanagementv1.CloseCaseResponse{Replayed: replayed}, nil
	case *directoryv1.ProposeChangesRequest:
		return &directoryv1.ProposeChangesResponse{Replayed: replayed}, nil
	case *directoryv1.DecideProposalRequest:
		return &directoryv1.DecideProposalResponse{Replayed: replayed}, nil
	}
	return nil, status.Error(codes.Unimplemented, "")
}

const submitCommand = "report submit --notice 2026-01 --channel DESK --role VICTIM --ground SEX --wish HELP " +
	"--place ND --text Segreto"

// writes are all commands that change something at a service.
func writes(t *testing.T, f *fakeNetwork) []string {
	t.Helper()
	f.writeFile(t, "files/body/x.yaml", "body_id: x\nname: X\n")
	return []string{
		submitCommand, "report take " + someID, assessID, "case act " + someID + " --code LETTER",
		"case close " + someID + " --outcome APOLOGY", "directory approve " + someID, "directory reject " + someID,
		"directory apply " + filepath.Join(f.dir, "files") + " --reason x",
	}
}

// Ensure that a write whose answers are lost is stored once: the command says what is known, and the same command later
// sends the same request, also for a record with a version, which has changed by then.
func TestWrites_AreNotRepeatedAfterACut(t *testing.T) {
	t.Parallel()
	for i := range writes(t, newFakeNetwork(t, nil)) {
		s := newStore(t, maxAttempts)
		args := strings.Fields(writes(t, s.net)[i])
		t.Run(strings.Join(args[:2], " "), func(t *testing.T) {
			t.Parallel()
			_, errOut, code := s.net.run(t, append(args, "--lang", "en")...)
			if code != 1 || len(s.writes) != 1 || len(s.ids) != maxAttempts {
				t.Fatalf("exit %d, %d stored after %d attempts: %s", code, len(s.writes), len(s.ids), errOut)
			}
			for _, want := range []string{"did not arrive", "may be stored", "run the same command again", s.ids[0]} {
				if !strings.Contains(errOut, want) {
					t.Errorf("%q is missing: %s", want, errOut)
				}
			}
			if out, errOut, code := s.net.run(t, args...); code != 0 || out == "" || len(s.writes) != 1 {
				t.Fatalf("again: exit %d, %d stored: %s", code, len(s.writes), errOut)
			}
			if len(pendingFiles(t, s.net)) != 0 {
				t.Errorf("after the answer: %q", pendingFiles(t, s.net))
			}
			if strings.HasPrefix(args[1], "approve") || strings.HasPrefix(args[1], "reject") {
				return // a proposal is decided once
			}
			if args[1] == "assess" {
				args = append(args, "--version", "2") // the case has an assessment now
			}
			if _, errOut, code := s.net.run(t, args...); code != 0 || len(s.writes) != 2 {
				t.Errorf("a third time is a new request: exit %d, %d stored: %s", code, len(s.writes), errOut)
			}
		})
	}
}

// Ensure that one lost answer is no error, and that a request without an answer shows its id as JSON too.
func TestWrites_Retry(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1)
	if out, errOut, code := s.net.run(t, strings.Fields(submitCommand)...); code != 0 || len(s.writes) != 1 ||
		!strings.Contains(out, "CR-2026-K7Q4M-V") {
		t.Errorf("exit %d, %d stored: %s", code, len(s.writes), errOut)
	}
	s.cuts = maxAttempts
	_, errOut, _ := s.net.run(t, strings.Fields(submitCommand+" -o json")...)
	var got struct {
		Error struct {
			RequestID string `json:"request_id"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(errOut), &got); err != nil || got.Error.RequestID != s.ids[len(s.ids)-1] {
		t.Errorf("%v, %s", err, errOut)
	}
}

// Ensure that the id of a request without an answer is that of one person, one content and one command, that its file
// holds no content, and that signing out keeps it.
func TestWrites_PendingRequest(t *testing.T) {
	t.Parallel()
	s := newStore(t, maxAttempts)
	args := strings.Fields(submitCommand)
	s.net.run(t, args...)
	files := pendingFiles(t, s.net)
	if len(files) != 1 {
		t.Fatalf("got %v", files)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(raw)+files[0], "Segreto") || strings.Contains(string(raw), "SEX") {
		t.Errorf("%s: %s, %v", files[0], raw, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, _, code := s.net.run(t, "logout"); code != 0 || len(pendingFiles(t, s.net)) != 1 {
		t.Errorf("logout: exit %d, %v", code, pendingFiles(t, s.net))
	}
	s.net.signIn(t, "operator-cremona")
	s.net.run(t, append(slices.Clone(args), "--ground", "AGE")...)
	s.net.signIn(t, "worker-cremona")
	s.net.run(t, args...)
	if len(s.writes) != 3 {
		t.Errorf("%d stored, want one for each content and person", len(s.writes))
	}
	given := uuid.NewString()
	s.net.run(t, append(slices.Clone(args), "--request-id", given)...)
	if s.ids[len(s.ids)-1] != given {
		t.Errorf("--request-id %s is sent as %s", given, s.ids[len(s.ids)-1])
	}
}

// Ensure that a request that only checks has no id to store, and that a refused one forgets its id.
func TestWrites_NothingPending(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, func(string, proto.Message) (proto.Message, error) {
		return nil, status.Error(codes.InvalidArgument, "wrong")
	})
	for _, args := range []string{submitCommand, submitCommand + " --validate-only"} {
		if _, _, code := f.run(t, strings.Fields(args)...); code != 1 || len(pendingFiles(t, f)) != 0 {
			t.Errorf("%s: exit %d, %v", args, code, pendingFiles(t, f))
		}
	}
	if n := f.called("SubmitReport"); n != 2 {
		t.Errorf("%d calls, want no retry of a refusal", n)
	}
}

// Ensure that what is no request id is refused before anything is sent, and is not kept for the next attempt.
func TestWrites_BadRequestID(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, answerHostile)
	for _, id := range []string{"abc", uuid.Nil.String()} {
		for _, flags := range []string{"", " --validate-only"} {
			args := strings.Fields(submitCommand + flags + " --lang en --request-id " + id)
			_, errOut, code := f.run(t, args...)
			if code != 1 || !strings.Contains(errOut, "--request-id takes a UUID") || len(pendingFiles(t, f)) != 0 {
				t.Errorf("%v: exit %d, %s", args, code, errOut)
			}
		}
	}
	if n := f.called("SubmitReport"); n != 0 {
		t.Errorf("%d calls", n)
	}
	if _, errOut, code := f.run(t, strings.Fields(submitCommand)...); code != 0 {
		t.Errorf("the next attempt: exit %d, %s", code, errOut)
	}
}

// Ensure that a check says that it was one, and sends the request id that the write would.
func TestWrites_CheckOnly(t *testing.T) {
	t.Parallel()
	var sent []string
	f := newFakeNetwork(t, func(method string, req proto.Message) (proto.Message, error) {
		if m, ok := req.(mutation); ok {
			sent = append(sent, m.GetRequestId())
		}
		return answerHostile(method, req)
	})
	given := uuid.NewString()
	for _, command := range []string{submitCommand, assessID + " --version 2"} {
		args := strings.Fields(command + " --validate-only --request-id " + given)
		if out, errOut, code := f.run(t, args...); code != 0 || out != "valida; nulla è stato salvato\n" {
			t.Errorf("%v: exit %d, %s%s", args, code, out, errOut)
		}
	}
	if !slices.Equal(sent, []string{given, given}) {
		t.Errorf("sent %v, want %s", sent, given)
	}
}

// Ensure that changes of the directory are made by the latest to sign in, and that reading it names nobody.
func TestDirectory_NamesTheUser(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, answerHostile)
	for command, want := range map[string]string{
		"directory proposals": "t", "directory approve " + someID: "t", "directory reject " + someID: "t",
		"directory list": "", "desk find": "",
	} {
		f.token = "-"
		if _, _, _ = f.run(t, strings.Fields(command)...); f.token != want {
			t.Errorf("pari %s: token %q, want %q", command, f.token, want)
		}
	}
	f.run(t, "logout")
	f.token = "-"
	if _, _, _ = f.run(t, "directory", "proposals"); f.token != "" {
		t.Errorf("after signing out: token %q", f.token)
	}
}

// Ensure that a service that answers, but cannot finish now, is told apart from one that does not answer.
func TestWrites_Unavailable(t *testing.T) {
	t.Parallel()
	f := refusal(t, fault.New(fault.Unavailable))
	_, errOut, code := f.run(t, "report", "take", someID, "--version", "1", "--lang", "en")
	if code != 1 || !strings.Contains(errOut, "cannot finish request") || !strings.Contains(errOut, "[UNAVAILABLE]") ||
		!strings.Contains(errOut, " --version 1") || len(pendingFiles(t, f)) != 1 {
		t.Errorf("exit %d, %s", code, errOut)
	}
}

// Ensure that a change never overwrites that of somebody else: it is refused, and what changed is shown.
func TestWrites_ShowWhatChanged(t *testing.T) {
	t.Parallel()
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		if _, ok := req.(*casemanagementv1.GetCaseRequest); ok {
			return &casemanagementv1.GetCaseResponse{Case: &casemanagementv1.Case{
				Version: 3, History: []*recordv1.HistoryEntry{
					{Version: 2, What: "ASSESSED"}, {Version: 3, What: "CLOSED", By: &recordv1.Actor{Person: "ugo@x"}},
				},
			}}, nil
		}
		return nil, status.Error(codes.Aborted, "wrong version")
	})
	for _, flags := range []string{" --version 2", " --version 2 -o json"} {
		_, errOut, code := f.run(t, strings.Fields(assessID+flags)...)
		if code != 1 || !strings.Contains(errOut, "CLOSED") || !strings.Contains(errOut, "ugo@x") ||
			strings.Contains(errOut, "ASSESSED") {
			t.Errorf("exit %d, %s", code, errOut)
		}
	}
	if n := f.called("Assess"); n != 2 {
		t.Errorf("%d calls, want one for each command", n)
	}
}

func pendingFiles(t *testing.T, f *fakeNetwork) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(f.dir, "sessions", "pending", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}
