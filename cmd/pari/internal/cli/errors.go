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

// next is what to try after a refusal, by its reason.
var next = map[string]string{ //nolint:gosec // names of refusals, no credentials
	"NOT_FOUND":            "pari report list, pari case list, pari directory list: what there is",
	"WRONG_VERSION":        "pari case show ID, pari directory history KIND/ID: how it stands now; then decide again",
	"FORBIDDEN_MOVE":       "pari case show ID: where it stands; docs/case-states.md shows what may follow",
	"NOT_ASSESSED":         "pari case assess ID --help",
	"NOT_ALLOWED":          "pari login --as coordinator-cremona, or --as publisher for the directory: somebody who may",
	"VIEW_NOT_ALLOWED":     "pari login --as worker-cremona: somebody who may",
	"WRONG_NODE":           "--node with the node of who asks, or pari login --as somebody of that node; analyst and auditor are of the centre",
	"WRONG_REGION":         "--region with a region that you see, for instance piemonte",
	"NO_TOKEN":             "pari login --as operator-cremona, or --as editor for the directory; then the same with that --as",
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

// explain prints an error in the caller's language, everything that is wrong, and what to try next.
func (c *cli) explain(err error) {
	var b strings.Builder
	try := ""
	st, isStatus := status.FromError(err)
	switch {
	case errors.Is(err, client.ErrNoNetwork):
		fmt.Fprintln(&b, err)
		try = "make run, in another terminal"
	case errors.Is(err, errNotSignedIn):
		fmt.Fprintln(&b, err)
		if try = "pari login --as operator-cremona"; c.as != "" {
			try = "pari login --as " + c.as
		}
	case isStatus && st.Code() != codes.OK:
		try = c.explainStatus(&b, st)
	default:
		fmt.Fprintln(&b, err)
		try = "pari --help"
	}
	fmt.Fprintf(&b, "→ %s\n", try)
	_, _ = c.errOut.Write([]byte(b.String()))
}

func (c *cli) explainStatus(b *strings.Builder, st *status.Status) (try string) {
	text, fields := st.Message(), []string{}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			try = next[d.GetReason()]
			for k, v := range d.GetMetadata() {
				if k == "current_version" || k == "state" {
					fields = append(fields, k+": "+v)
				}
			}
		case *errdetails.LocalizedMessage:
			if c.lang == "it" {
				text = d.GetMessage()
			}
		case *errdetails.BadRequest:
			for _, f := range d.GetFieldViolations() {
				wrong := f.GetDescription()
				if c.lang == "it" {
					wrong = f.GetLocalizedMessage().GetMessage()
				}
				if f.GetReason() == "UNKNOWN_CODE" {
					try = next["UNKNOWN_CODE"]
				}
				if wrong == text { // the one thing that is wrong was said already
					wrong = ""
				}
				fields = append(fields, strings.TrimSuffix(f.GetField()+": "+wrong, ": "))
			}
		}
	}
	fmt.Fprintln(b, text)
	for _, f := range fields {
		fmt.Fprintln(b, "  "+f)
	}
	switch {
	case try != "":
	case st.Code() == codes.Unavailable:
		try = "make run, in another terminal: the network does not answer"
	case st.Code() == codes.Unauthenticated:
		try = "pari login --as operator-cremona"
	default:
		try = "pari --help"
	}
	return try
}
