// Package fault names what went wrong, once, where it is known: a reason from one closed registry, the fields at fault, and
// a cause for the log. Domain code returns faults; package rpc turns them into gRPC statuses, with the texts of the
// registry in English and Italian. What is not a fault reaches a caller as INTERNAL and nothing more.
//
// A fault never holds what a person told: paths, codes and numbers only.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a refusal with a reason from the registry.
type Error struct {
	// Reason says what is wrong, in a word that programs understand.
	Reason Reason
	// Fields says where, for INVALID_REQUEST.
	Fields []Field
	// Meta adds facts that help to mend the call, such as current_version. Never content.
	Meta map[string]string

	cause error
}

// Field is one thing that is wrong with a request.
type Field struct {
	// Path of the field in the request, in the names of the contract: content.grounds[2].
	Path string
	// Reason says what is wrong with it.
	Reason Reason
	// Limit completes the text where the reason has one, for instance the greatest length. May be empty.
	Limit string
}

// New returns a fault. A reason that is not in the registry is a bug and becomes INTERNAL.
func New(reason Reason) *Error {
	if _, known := registry[reason]; !known {
		return &Error{Reason: Internal, cause: fmt.Errorf("reason %q is not in the registry", string(reason))}
	}
	return &Error{Reason: reason}
}

// Invalid returns INVALID_REQUEST with everything that is wrong, or nil when nothing is.
func Invalid(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Reason: InvalidRequest, Fields: fields}
}

// Because adds what the log should know and the caller should not.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With adds a fact that helps the caller.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Meta = map[string]string{key: value}
	for k, v := range e.Meta {
		c.Meta[k] = v
	}
	return &c
}

// Error is for logs: the reason, the paths, the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Reason))
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " %s:%s", f.Path, f.Reason)
	}
	if e.cause != nil {
		b.WriteString(": ")
		b.WriteString(e.cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf returns the reason of the outermost fault in err, or "" when it holds none.
func ReasonOf(err error) Reason {
	var f *Error
	if errors.As(err, &f) {
		return f.Reason
	}
	return ""
}

// Is tells whether err is a fault with that reason.
func Is(err error, reason Reason) bool { return reason != "" && ReasonOf(err) == reason }
