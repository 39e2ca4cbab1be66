package rpc_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// server implements a part of the directory's contract, which serves as an example of any contract.
type server struct {
	directoryv1.UnimplementedDirectoryServiceServer

	find  func(context.Context) error
	check func(proto.Message) []fault.Field
}

func (s server) FindOffices(
	ctx context.Context, _ *directoryv1.FindOfficesRequest,
) (*directoryv1.FindOfficesResponse, error) {
	if s.find == nil {
		return &directoryv1.FindOfficesResponse{}, nil
	}
	return &directoryv1.FindOfficesResponse{}, s.find(ctx)
}

// ListVocabularies responds with a list of one MiB for each name.
func (s server) ListVocabularies(
	_ context.Context, req *directoryv1.ListVocabulariesRequest,
) (*directoryv1.ListVocabulariesResponse, error) {
	name := strings.Repeat("x", 1<<20)
	response := &directoryv1.ListVocabulariesResponse{}
	for range len(req.GetNames()) {
		response.Vocabularies = append(response.Vocabularies, &vocabularyv1.Vocabulary{Name: name})
	}
	return response, nil
}

func (s server) DecideProposal(
	context.Context, *directoryv1.DecideProposalRequest,
) (*directoryv1.DecideProposalResponse, error) {
	return &directoryv1.DecideProposalResponse{}, nil
}

func (s server) Check(m proto.Message) []fault.Field {
	if s.check == nil {
		return nil
	}
	return s.check(m)
}

func codeLists() *vocabulary.Set {
	return vocabulary.NewSet(&vocabularyv1.Vocabulary{
		Name: "ground", Terms: []*vocabularyv1.Term{{Code: "SEX"}, {Code: "GONE", ValidTo: "2020-01-01"}},
	})
}

func config() rpc.Config {
	return rpc.Config{Service: "directory", Vocabulary: codeLists}
}

func start(t *testing.T, c rpc.Config, s server) *rpctest.Server {
	t.Helper()
	return rpctest.NewEnv(t).Start(t, c, register(s))
}

func register(s server) func(grpc.ServiceRegistrar) {
	return func(r grpc.ServiceRegistrar) { directoryv1.RegisterDirectoryServiceServer(r, s) }
}

// unreachable fails the test when a call reaches the handler.
func unreachable(t *testing.T) server {
	return server{find: func(context.Context) error { t.Error("the call reached the handler"); return nil }}
}

const findMethod = directoryv1.DirectoryService_FindOffices_FullMethodName

var portal = rpctest.ID("lombardia", "cremona", "system", "portal")

// find calls FindOffices and returns its fault.
func find(conn grpc.ClientConnInterface, req *directoryv1.FindOfficesRequest) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := directoryv1.NewDirectoryServiceClient(conn).FindOffices(ctx, req)
	return fault.FromStatus(err)
}

func findAny(conn grpc.ClientConnInterface) error {
	return find(conn, &directoryv1.FindOfficesRequest{})
}

// reasonOf returns the reason of a fault, "" for nil, and the text of any other error.
func reasonOf(err error) fault.Reason {
	if reason := fault.ReasonOf(err); reason != "" || err == nil {
		return reason
	}
	return fault.Reason(err.Error())
}

// logBuffer is a log that the server writes while the test reads it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take returns what was logged since the last call.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
