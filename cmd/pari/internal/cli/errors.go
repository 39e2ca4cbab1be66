package cli

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/cmd/pari/client"
)

var errNotSignedIn = errors.New("nobody is signed in")

// hints maps the reason of an error to the command to try next.
var hints = map[string]string{ //nolint:gosec // names of error reasons, no credentials
	"NOT_FOUND":        "pari report list, pari case list, pari directory list: what there is",
	"WRONG_VERSION":    "pari case show ID, pari directory history KIND/ID: how it stands now; then decide again",
	"FORBIDDEN_MOVE":   "pari case show ID: where it stands; docs/case-states.md shows what may follow",
	"NOT_ASSESSED":     "pari case assess ID --help",
	"NOT_ALLOWED":      "pari login --as coordinator-cremona, or --as publisher for the directory: somebody who may",
	"VIEW_NOT_ALLOWED": "pari login --as worker-cremona: somebody who may",
	"WRONG_NODE": "--node with the node of who asks, or pari login --as somebody of that node; " +
		"analyst and auditor are of the centre",
	"WRONG_REGION": "--region with a region that you see, for instance piemonte",
	"NO_TOKEN": "pari login --as operator-cremona, or --as editor for the directory; " +
		"then the same with that --as",
	"AT_THE_CENTRE_ONLY":   "the same without --copy: the centre has history and proposals",
	"SECOND_PERSON_NEEDED": "pari directory proposals; another publisher than who proposed it decides",
	"BAD_TOKEN":            "pari login --as operator-cremona",
	"EXPIRED_TOKEN":        "pari login --as operator-cremona",
	"UNKNOWN_TABLE":        "pari table list",
	"REQUEST_ID_REUSED":    "the same without --request-id",
	"INVALID_REQUEST":      "the same with these fields mended; --help names the options",
	"UNKNOWN_CODE":         "pari vocabulary LIST, with the list in brackets: the codes that there are",
	"UNAVAILABLE":          "the same again in a moment: nothing is stored twice",
}

// explain prints an error in the language of --lang, all invalid fields, and the command to try next.
func (c *cli) explain(err error) {
	var b strings.Builder
	hint := ""
	st, isStatus := status.FromError(err)
	switch {
	case errors.Is(err, client.ErrNoNetwork):
		fmt.Fprintln(&b, err)
		hint = "make run, in another terminal"
	case errors.Is(err, errNotSignedIn):
		fmt.Fprintln(&b, err)
		if hint = "pari login --as operator-cremona"; c.as != "" {
			hint = "pari login --as " + c.as
		}
	case isStatus && st.Code() != codes.OK:
		hint = c.explainStatus(&b, st)
	default:
		fmt.Fprintln(&b, err)
		hint = "pari --help"
	}
	fmt.Fprintf(&b, "→ %s\n", hint)
	_, _ = c.errOut.Write([]byte(b.String()))
}

// explainStatus writes the message of a gRPC status and the fields of its details, and returns the hint.
func (c *cli) explainStatus(b *strings.Builder, st *status.Status) (hint string) {
	message, fields := st.Message(), []string{}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			hint = hints[d.GetReason()]
			for k, v := range d.GetMetadata() {
				if k == "current_version" || k == "state" {
					fields = append(fields, k+": "+v)
				}
			}
		case *errdetails.LocalizedMessage:
			if c.lang == "it" {
				message = d.GetMessage()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				fields = append(fields, c.fieldText(v, message))
				if v.GetReason() == "UNKNOWN_CODE" {
					hint = hints["UNKNOWN_CODE"]
				}
			}
		}
	}
	fmt.Fprintln(b, message)
	for _, f := range fields {
		fmt.Fprintln(b, "  "+f)
	}
	switch {
	case hint != "":
	case st.Code() == codes.Unavailable:
		hint = "make run, in another terminal: the network does not answer"
	case st.Code() == codes.Unauthenticated:
		hint = "pari login --as operator-cremona"
	default:
		hint = "pari --help"
	}
	return hint
}

// fieldText formats a field violation. It leaves out the description when the message already says the same.
func (c *cli) fieldText(v *errdetails.BadRequest_FieldViolation, message string) string {
	description := v.GetDescription()
	if c.lang == "it" {
		description = v.GetLocalizedMessage().GetMessage()
	}
	if description == message {
		description = ""
	}
	return strings.TrimSuffix(v.GetField()+": "+description, ": ")
}
