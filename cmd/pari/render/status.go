package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// Problem is an error of a service in one language.
type Problem struct {
	// Code is that of gRPC, for instance "InvalidArgument".
	Code string `json:"code,omitempty"`
	// Reason is empty when the error is not one of Pari's services.
	Reason  string         `json:"reason,omitempty"`
	Message string         `json:"message"`
	Fields  []FieldProblem `json:"fields,omitempty"`
	// Facts are those about the record, such as current_version.
	Facts map[string]string `json:"facts,omitempty"`
}

// FieldProblem says what is wrong with a field.
type FieldProblem struct {
	// Name is what people call the field, for instance "--ground".
	Name string `json:"name,omitempty"`
	// Path is the field in the contract, for instance "content.grounds[0]".
	Path    string `json:"path"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// ParseStatus returns the problem that a status describes in the language, "it" or "en".
func ParseStatus(st *status.Status, lang string) Problem {
	p := Problem{Code: st.Code().String(), Message: st.Message(), Facts: map[string]string{}}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			p.Reason = d.GetReason()
			for k, v := range d.GetMetadata() {
				if k == "current_version" || k == "state" {
					p.Facts[k] = v
				}
			}
		case *errdetails.LocalizedMessage:
			p.Message = Label(lang, d.GetMessage(), p.Message)
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				message := Label(lang, v.GetLocalizedMessage().GetMessage(), v.GetDescription())
				field := FieldProblem{Name: v.GetField(), Path: v.GetField(), Reason: v.GetReason(), Message: message}
				p.Fields = append(p.Fields, field)
			}
		}
	}
	return p
}

// Write writes the message with its reason in brackets, and every invalid field and fact on a line of its own. It
// leaves out what the message already says.
func (p Problem) Write(w io.Writer) {
	_, _ = fmt.Fprintln(w, Escape(p.Message)+bracketed(p.Reason))
	for _, f := range p.Fields {
		line := f.Name
		if f.Message != p.Message && f.Message != "" {
			line += ": " + f.Message
		}
		_, _ = fmt.Fprintln(w, "  "+Escape(line)+bracketed(f.Reason))
	}
	for _, k := range slices.Sorted(maps.Keys(p.Facts)) {
		_, _ = fmt.Fprintln(w, "  "+Escape(k+": "+p.Facts[k]))
	}
}

func bracketed(reason string) string {
	if reason == "" {
		return ""
	}
	return " [" + Escape(strings.TrimSpace(reason)) + "]"
}

// Status writes the problem that a status describes in the language, "it" or "en".
func Status(w io.Writer, st *status.Status, lang string) { ParseStatus(st, lang).Write(w) }
