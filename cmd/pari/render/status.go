package render

import (
	"fmt"
	"io"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// Status writes the message of a gRPC status in the language, "it" or "en", and every invalid field. It returns the
// reason, by which a command can find a hint: UNKNOWN_CODE when a field has an unknown code, else that of the error.
func Status(w io.Writer, st *status.Status, lang string) (reason string) {
	message, fields := st.Message(), []string{}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
			for k, v := range d.GetMetadata() {
				if k == "current_version" || k == "state" {
					fields = append(fields, k+": "+v)
				}
			}
		case *errdetails.LocalizedMessage:
			message = Label(lang, d.GetMessage(), message)
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				fields = append(fields, violationText(v, lang, message))
				if v.GetReason() == "UNKNOWN_CODE" {
					reason = v.GetReason()
				}
			}
		}
	}
	_, _ = fmt.Fprintln(w, Escape(message))
	for _, f := range fields {
		_, _ = fmt.Fprintln(w, "  "+Escape(f))
	}
	return reason
}

// violationText formats a field violation. It leaves out the description when the message already says the same.
func violationText(v *errdetails.BadRequest_FieldViolation, lang, message string) string {
	description := Label(lang, v.GetLocalizedMessage().GetMessage(), v.GetDescription())
	if description == message {
		description = ""
	}
	return strings.TrimSuffix(v.GetField()+": "+description, ": ")
}
