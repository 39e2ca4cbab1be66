package cli

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/cmd/pari/render"
)

var errNotSignedIn = errors.New("not signed in")

// hints maps the reason of an error to the command to try next.
var hints = map[string]string{ //nolint:gosec // names of error reasons, no credentials
	"NOT_FOUND":        "pari report list, pari case list or pari directory list shows the identifiers",
	"WRONG_VERSION":    "pari case show ID or pari directory history KIND/ID shows what changed; then decide again",
	"FORBIDDEN_MOVE":   "pari case show ID shows the state; docs/case-states.md shows what may follow",
	"NOT_ASSESSED":     "pari case assess ID --help",
	"NOT_ALLOWED":      "pari login --as a user who may: coordinator-cremona, for the directory publisher",
	"VIEW_NOT_ALLOWED": "pari login --as a user who may: worker-cremona",
	"WRONG_NODE": "--node with the node of the user, or pari login --as a user of that node; " +
		"analyst and auditor belong to the centre",
	"WRONG_REGION": "--region with a region that you may see, for instance piemonte",
	"NO_TOKEN": "pari login --as operator-cremona, or --as editor for the directory; " +
		"then the same command with that --as",
	"AT_THE_CENTRE_ONLY":   "the same command without --copy: only the centre has history and proposals",
	"SECOND_PERSON_NEEDED": "pari directory proposals; a publisher who did not propose the change decides",
	"BAD_TOKEN":            "pari login --as operator-cremona",
	"EXPIRED_TOKEN":        "pari login --as operator-cremona",
	"UNKNOWN_TABLE":        "pari table list",
	"REQUEST_ID_REUSED":    "the same command without --request-id",
	"INVALID_REQUEST":      "correct these fields and try again; --help lists the options",
	"UNKNOWN_CODE":         "pari vocabulary LIST, with the list named in brackets, shows the valid codes",
	"UNAVAILABLE":          "try again in a moment: nothing is stored twice",
}

// explain prints an error in the language of --lang, all invalid fields, and the command to try next.
func (c *cli) explain(err error) {
	var b strings.Builder
	hint := ""
	st, isStatus := status.FromError(err)
	switch {
	case errors.Is(err, client.ErrNoNetwork):
		fmt.Fprintln(&b, render.Escape(err.Error()))
		hint = "make run, in another terminal"
	case errors.Is(err, errNotSignedIn):
		fmt.Fprintln(&b, render.Escape(err.Error()))
		if hint = "pari login --as operator-cremona"; c.as != "" {
			hint = "pari login --as " + c.as
		}
	case isStatus && st.Code() != codes.OK:
		hint = c.explainStatus(&b, st)
	default:
		fmt.Fprintln(&b, render.EscapeLines(err.Error()))
		hint = "pari --help"
	}
	fmt.Fprintf(&b, "→ %s\n", render.Escape(hint))
	_, _ = c.errOut.Write([]byte(b.String()))
}

// explainStatus writes a gRPC status and returns the hint.
func (c *cli) explainStatus(b *strings.Builder, st *status.Status) (hint string) {
	if hint = hints[render.Status(b, st, c.lang)]; hint != "" {
		return hint
	}
	switch st.Code() {
	case codes.Unavailable:
		return "make run, in another terminal: the network does not answer"
	case codes.Unauthenticated:
		return "pari login --as operator-cremona"
	default:
		return "pari --help"
	}
}
