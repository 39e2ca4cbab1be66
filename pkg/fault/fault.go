// Package fault defines the errors that callers see: a reason from a registry, the fields at fault, and a cause for the
// log. Domain code returns faults. Package rpc turns them into gRPC statuses with the registry's texts in English and
// Italian. An error that is not a fault reaches the caller as INTERNAL, without its text.
//
// A fault holds paths, codes and numbers. It must never hold personal data.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a fault.
type Error struct {
	Reason Reason
	// Fields are the fields at fault, for INVALID_REQUEST.
	Fields []Field
	// Meta are facts that help the caller, such as current_version. Never content.
	Meta map[string]string

	cause error
}

// Field is a field at fault.
type Field struct {
	// Path of the field in the request, in the names of the contract: content.grounds[2].
	Path   string
	Reason Reason
	// Limit completes the reason's text, for instance with the greatest length. May be empty.
	Limit string
}

// New returns a fault. An unregistered reason is a bug and becomes INTERNAL.
func New(reason Reason) *Error {
	if _, known := registry[reason]; !known {
		return &Error{Reason: Internal, cause: fmt.Errorf("unregistered reason %q", string(reason))}
	}
	return &Error{Reason: reason}
}

// Invalid returns INVALID_REQUEST with all fields at fault, or nil when there are none.
func Invalid(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Reason: InvalidRequest, Fields: fields}
}

// WithCause adds an error for the log, which the caller does not see.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// WithMeta adds a fact that helps the caller.
func (e *Error) WithMeta(key, value string) *Error {
	c := *e
	c.Meta = map[string]string{key: value}
	for k, v := range e.Meta {
		c.Meta[k] = v
	}
	return &c
}

// Error returns the reason, the paths and the cause, for logs.
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

// ReasonOf returns the reason of the outermost fault in err, or "".
func ReasonOf(err error) Reason {
	var f *Error
	if errors.As(err, &f) {
		return f.Reason
	}
	return ""
}

// Is reports whether err is a fault with that reason.
func Is(err error, reason Reason) bool { return reason != "" && ReasonOf(err) == reason }
