package fault

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// Domain is the ErrorInfo domain of every fault.
const Domain = "pari"

// ToStatus turns err into a status: code, English text, and as details ErrorInfo (reason), LocalizedMessage (Italian)
// and, for INVALID_REQUEST, BadRequest with reason and both texts per field. An ended context keeps its code. Any other
// error becomes INTERNAL without its text, and so does a fault whose reason is not registered. Meta is added to
// ErrorInfo, for instance the trace id.
func ToStatus(err error, meta map[string]string) *status.Status {
	if err == nil {
		return nil
	}
	var f *Error
	if !errors.As(err, &f) {
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return status.New(codes.DeadlineExceeded, "the call ran out of time")
		case errors.Is(err, context.Canceled):
			return status.New(codes.Canceled, "the caller canceled the call")
		}
		f = New(Internal)
	}
	entry, known := registry[f.Reason]
	if !known { // FromStatus took it from another service
		f = New(Internal)
		entry = registry[Internal]
	}
	info := &errdetails.ErrorInfo{Reason: string(f.Reason), Domain: Domain, Metadata: map[string]string{}}
	for _, facts := range []map[string]string{meta, f.Meta} {
		for k, v := range facts {
			info.Metadata[k] = v
		}
	}
	italian := &errdetails.LocalizedMessage{Locale: "it-IT", Message: entry.Italian + ": " + entry.FixItalian}
	details := []protoadapt.MessageV1{protoadapt.MessageV1Of(info), protoadapt.MessageV1Of(italian)}
	if len(f.Fields) > 0 {
		bad := &errdetails.BadRequest{}
		for _, field := range f.Fields {
			english, italian := field.Texts()
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: field.Path, Reason: string(field.Reason), Description: english,
				LocalizedMessage: &errdetails.LocalizedMessage{Locale: "it-IT", Message: italian},
			})
		}
		details = append(details, protoadapt.MessageV1Of(bad))
	}
	st, err := status.New(entry.Code, entry.English+": "+entry.FixEnglish).WithDetails(details...)
	if err != nil { // a detail cannot be marshalled: send at least code and text
		return status.New(entry.Code, entry.English)
	}
	return st
}

// Texts returns what is wrong with the field and what to do, in both languages.
func (f Field) Texts() (english, italian string) {
	entry, known := registry[f.Reason]
	if !known {
		entry = registry[BadFormat]
	}
	english, italian = entry.English, entry.Italian
	if f.Limit != "" {
		english, italian = english+" ("+f.Limit+")", italian+" ("+f.Limit+")"
	}
	return english + ": " + entry.FixEnglish, italian + ": " + entry.FixItalian
}

// FromStatus returns the fault in an error that a call to another service returned. Its reason need not be registered
// here. A message that is too large for the transport becomes MessageTooLarge; UNAVAILABLE and similar codes without a
// reason become Unavailable. Other errors are returned unchanged.
func FromStatus(err error) error {
	st := status.Convert(err) // Unknown for an error without a status, OK for nil
	f := &Error{cause: err}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == Domain {
				f.Reason, f.Meta = Reason(d.GetReason()), d.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Fields = append(f.Fields, Field{Path: v.GetField(), Reason: Reason(v.GetReason())})
			}
		}
	}
	if f.Reason != "" {
		return f
	}
	switch st.Code() {
	case codes.ResourceExhausted:
		if strings.Contains(st.Message(), "larger than max") { // the transport has no other sign
			return New(MessageTooLarge).WithCause(err)
		}
		return New(Unavailable).WithCause(err)
	case codes.Unavailable, codes.DeadlineExceeded:
		return New(Unavailable).WithCause(err)
	default:
		return err
	}
}
