package cli

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/pkg/fault"
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

// doubtfulError is the refusal of a write that was sent before and got no answer then: that attempt may be stored.
type doubtfulError struct {
	error

	requestID string
}

// Unwrap returns the refusal.
func (e *doubtfulError) Unwrap() error { return e.error }

// unwrittenError says that a write is stored and that its answer could not be written.
type unwrittenError struct{ cause error }

func (e *unwrittenError) Error() string { return "answer not written: " + e.cause.Error() }
func (e *unwrittenError) Unwrap() error { return e.cause }

// send sends a write. Its request id is stored until the command has written the answer, so the same command with the
// same content sends the same request and is not carried out twice. Where the request has a version and none is given,
// readVersion reads it.
func send[Q mutation, R any](
	ctx context.Context, c *cli, req Q, readVersion func(context.Context) (int64, error),
	call func(context.Context, Q, ...grpc.CallOption) (R, error),
) (resp R, err error) {
	given := req.GetRequestId()
	if id, err := uuid.Parse(given); given != "" && (err != nil || id == uuid.Nil) {
		return resp, errorf("--request-id è un UUID, non %q", "--request-id takes a UUID, not %q", given)
	}
	if isCheck(req) {
		check := pendingRequest{RequestID: cmp.Or(given, uuid.NewString())}
		if err := complete(ctx, req, check, readVersion); err != nil {
			return resp, err
		}
		return call(ctx, req)
	}
	file, err := c.pendingFile(req)
	if err != nil {
		return resp, err
	}
	pending, earlier := loadPending(file)
	if given != "" && given != pending.RequestID {
		pending, earlier = pendingRequest{RequestID: given}, true
	}
	pending.start(time.Now())
	if err := complete(ctx, req, pending, readVersion); err != nil {
		return resp, err
	}
	pending.Version = versionOf(req)
	if err := pending.save(file); err != nil {
		return resp, err
	}
	counted, attempts := client.CountAttempts(ctx)
	resp, err = call(counted, req)
	earlier = earlier || attempts() > 1
	switch {
	case err == nil:
		c.answered = append(c.answered, file)
		return resp, nil
	case mayBeStored(err):
		return resp, &unansweredError{requestID: pending.RequestID, version: pending.Version, cause: err}
	case earlier && reasonOf(err) != string(fault.RequestIDReused):
		return resp, &doubtfulError{error: err, requestID: pending.RequestID}
	}
	_ = removePending(file) // a file that stays only lets the same command use the same id
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

// complete sets the request id, the time of the first attempt and the version.
func complete(
	ctx context.Context, req proto.Message, p pendingRequest, readVersion func(context.Context) (int64, error),
) (err error) {
	setField(req, "request_id", protoreflect.ValueOfString(p.RequestID))
	if !p.SentAt.IsZero() {
		setField(req, "first_sent_at", protoreflect.ValueOfMessage(timestamppb.New(p.SentAt).ProtoReflect()))
	}
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

// mayBeStored reports whether a write may have been carried out although it failed. A write is sent only after the
// service was reached.
func mayBeStored(err error) bool {
	switch status.Code(err) { //nolint:exhaustive // all others are answers
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown, codes.Internal:
		return true
	}
	return false
}
