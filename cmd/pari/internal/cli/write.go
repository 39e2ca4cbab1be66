package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// attemptTimeout bounds one attempt of a write, and callTimeout all of them.
	attemptTimeout = 5 * time.Second
	// maxAttempts is how often a write is sent that gets no answer.
	maxAttempts = 3
	// firstBackoff is the pause after the first attempt; each further one is three times as long.
	firstBackoff = 200 * time.Millisecond
)

// mutation is a request that changes something.
type mutation interface {
	proto.Message
	GetRequestId() string
}

// requestIDFlag adds --request-id to a command that writes.
func requestIDFlag(cmd *cobra.Command, id *string) {
	cmd.Flags().StringVar(id, "request-id", "",
		"UUID of an earlier request, to send it again; default: that of the same request if it got no answer")
}

// unansweredError says that a write was sent and that its answer did not arrive.
type unansweredError struct {
	requestID string
	// version that was sent; 0 when the request has none.
	version int64
	cause   error
}

func (e *unansweredError) Error() string { return "no answer to request " + e.requestID }
func (e *unansweredError) Unwrap() error { return e.cause }

// send sends a write, again if it gets no answer. Its request id is stored until the answer arrives, so the same
// command with the same content sends the same request and is not carried out twice. Where the request has a version
// and none is given, readVersion reads it.
func send[Q mutation, R any](
	ctx context.Context, c *cli, req Q, readVersion func(context.Context) (int64, error),
	call func(context.Context, Q, ...grpc.CallOption) (R, error),
) (resp R, err error) {
	if isCheck(req) {
		if err := complete(ctx, req, pendingRequest{RequestID: uuid.NewString()}, readVersion); err != nil {
			return resp, err
		}
		return call(ctx, req)
	}
	file, err := c.pendingFile(req)
	if err != nil {
		return resp, err
	}
	pending, found := loadPending(file)
	if given := req.GetRequestId(); given != "" && given != pending.RequestID {
		pending, found = pendingRequest{RequestID: given}, true
	}
	if !found {
		pending = pendingRequest{RequestID: uuid.NewString()}
	}
	if err := complete(ctx, req, pending, readVersion); err != nil {
		return resp, err
	}
	pending.Version, pending.SentAt = versionOf(req), time.Now()
	if err := pending.save(file); err != nil {
		return resp, err
	}
	resp, err = attempt(ctx, req, call)
	if isAnswer(err) {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return resp, fmt.Errorf("request id: %w", err)
		}
	}
	if mayBeStored(err) {
		return resp, &unansweredError{requestID: pending.RequestID, version: pending.Version, cause: err}
	}
	return resp, err
}

// isCheck reports whether a request only checks.
func isCheck(req proto.Message) bool {
	r, ok := req.(interface{ GetValidateOnly() bool })
	return ok && r.GetValidateOnly()
}

// versionOf returns the version of a request, or 0.
func versionOf(req proto.Message) int64 {
	if r, ok := req.(interface{ GetVersion() int64 }); ok {
		return r.GetVersion()
	}
	return 0
}

// complete sets the request id and the version.
func complete(
	ctx context.Context, req proto.Message, p pendingRequest, readVersion func(context.Context) (int64, error),
) (err error) {
	setField(req, "request_id", protoreflect.ValueOfString(p.RequestID))
	if readVersion == nil || versionOf(req) != 0 {
		return nil
	}
	version := p.Version
	if version == 0 {
		if version, err = readVersion(ctx); err != nil {
			return err
		}
	}
	setField(req, "version", protoreflect.ValueOfInt64(version))
	return nil
}

// attempt calls until there is an answer, maxAttempts times at most.
func attempt[Q mutation, R any](
	ctx context.Context, req Q, call func(context.Context, Q, ...grpc.CallOption) (R, error),
) (resp R, err error) {
	for n, backoff := 1, firstBackoff; ; n, backoff = n+1, 3*backoff {
		attemptCtx, cancel := context.WithTimeout(ctx, attemptTimeout)
		resp, err = call(attemptCtx, req)
		cancel()
		again := status.Code(err) == codes.Unavailable || status.Code(err) == codes.DeadlineExceeded
		if !again || n == maxAttempts {
			return resp, err
		}
		select {
		case <-ctx.Done():
			return resp, err
		case <-time.After(backoff):
		}
	}
}

// isAnswer reports whether an outcome is final for a request id: a later request with the same id gets the same one.
func isAnswer(err error) bool {
	switch status.Code(err) { //nolint:exhaustive // all others say nothing about the request
	case codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted,
		codes.OutOfRange:
		return true
	}
	return false
}

// mayBeStored reports whether a write may have been carried out although it failed. A write is sent only after the
// service was reached.
func mayBeStored(err error) bool {
	switch status.Code(err) { //nolint:exhaustive // all others are answers
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown, codes.Internal:
		return true
	}
	return false
}
