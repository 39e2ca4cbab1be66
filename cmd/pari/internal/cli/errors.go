package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/cmd/pari/render"
)

var (
	errNotSignedIn = errors.New("not signed in")
	errUnreachable = errors.New("not reachable")
)

// failure is an error as it is printed.
type failure struct {
	render.Problem

	// RequestID is that of a write that may be stored.
	RequestID string `json:"request_id,omitempty"`
	// Changes are those of the record since the version that a refused write is based on.
	Changes []change `json:"changes,omitempty"`
	// Note says what is not known of earlier attempts.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint"`
}

// explain prints an error in the language of --lang, all invalid fields, and the command to try next. With -o json it
// prints JSON. It returns the exit code.
func (c *cli) explain(err error) int {
	f := c.failureOf(err)
	if c.format == "json" {
		raw, marshalErr := json.MarshalIndent(map[string]failure{"error": f}, "", "  ")
		if marshalErr == nil {
			_, _ = c.errOut.Write(append(render.EscapeJSON(raw), '\n'))
			return exitCode(err)
		}
	}
	var b strings.Builder
	f.Write(&b)
	for _, ch := range f.Changes {
		_ = render.Printf(&b, "  %s\n", ch.String())
	}
	if f.Note != "" {
		_ = render.Printf(&b, "%s\n", f.Note)
	}
	_ = render.Printf(&b, "→ %s\n", f.Hint)
	_, _ = io.WriteString(c.errOut, b.String())
	return exitCode(err)
}

// exitCode is 2 for a command line that is wrong in itself, else 1.
func exitCode(err error) int {
	var t *textError
	if errors.As(err, &t) && t.usage {
		return 2
	}
	return 1
}

func (c *cli) failureOf(err error) failure {
	var unanswered *unansweredError
	var unwritten *unwrittenError
	var t *textError
	st, isStatus := statusOf(err)
	switch {
	case errors.As(err, &unwritten):
		return c.unwrittenFailure(unwritten)
	case errors.As(err, &unanswered):
		return c.unansweredFailure(unanswered)
	case errors.As(err, &t):
		hint := t.hint
		if hint == "" {
			hint = c.helpCommand()
		}
		return failure{Problem: render.Problem{Message: t.in(c.lang)}, Hint: hint}
	case errors.Is(err, errNotSignedIn):
		return failure{Problem: render.Problem{Message: c.label("accesso non effettuato", "not signed in")},
			Hint: c.loginCommand()}
	case errors.Is(err, client.ErrNoNetwork):
		return c.networkFailure(c.label("qui non c'è una rete", "no network here"))
	case isNetworkDown(err):
		return c.networkFailure(c.label("la rete non risponde", "the network does not answer"))
	case errors.Is(err, context.Canceled):
		return failure{Problem: render.Problem{Message: c.label("interrotto", "interrupted")}, Hint: c.helpCommand()}
	case isStatus && st.Code() != codes.OK:
		return c.refusalFailure(err, st)
	}
	message := c.label("non riuscito: ", "failed: ") + err.Error()
	return failure{Problem: render.Problem{Message: message}, Hint: c.helpCommand()}
}

// statusOf returns the status that an error wraps, with the message of the service alone.
func statusOf(err error) (st *status.Status, ok bool) {
	var s interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &s) {
		return nil, false
	}
	return s.GRPCStatus(), true
}

// reasonOf returns the reason of an error of a service, or "".
func reasonOf(err error) string {
	if st, ok := statusOf(err); ok {
		return render.ParseStatus(st, "en").Reason
	}
	return ""
}

// isNetworkDown reports whether an error is that of a network that is not reached, or whose answer does not come from
// a service.
func isNetworkDown(err error) bool {
	var netErr net.Error
	var opErr *net.OpError
	if errors.Is(err, errUnreachable) || errors.As(err, &opErr) || errors.As(err, &netErr) {
		return !errors.Is(err, context.Canceled)
	}
	st, ok := statusOf(err)
	return ok && len(st.Details()) == 0 && (st.Code() == codes.Unavailable || st.Code() == codes.DeadlineExceeded)
}

func (c *cli) networkFailure(message string) failure {
	hint := fmt.Sprintf(c.label("make run, in un altro terminale; o --dir con la cartella della rete, se non è %s",
		"make run, in another terminal; or --dir with the folder of the network, if it is not %s"), c.dir)
	p := render.Problem{Message: message + " (--dir " + c.dir + ")"}
	return failure{Problem: p, Hint: hint}
}

// unansweredFailure says what is known about a write without an answer, and how to send it again.
func (c *cli) unansweredFailure(e *unansweredError) failure {
	message := fmt.Sprintf(c.label(
		"la risposta non è arrivata: la richiesta %s può essere già stata registrata",
		"the answer did not arrive: request %s may be stored already"), e.requestID)
	flags := "--request-id " + e.requestID
	if e.version != 0 {
		flags += fmt.Sprintf(" --version %d", e.version)
	}
	hint := fmt.Sprintf(c.label(
		"ripeti lo stesso comando, senza cambiarlo: nulla viene registrato due volte (da un altro computer con %s)",
		"run the same command again, unchanged: nothing is stored twice (from another computer with %s)"), flags)
	p := render.Problem{Message: message}
	if st, ok := statusOf(e.cause); ok {
		p.Code, p.Reason = st.Code().String(), render.ParseStatus(st, c.lang).Reason
	}
	if p.Reason != "" { // the service answered, not about the request
		p.Message = fmt.Sprintf(c.label(
			"il servizio ora non può concludere la richiesta %s, che può essere già stata registrata",
			"the service cannot finish request %s now, which may be stored already"), e.requestID)
	}
	return failure{Problem: p, RequestID: e.requestID, Hint: hint}
}

// refusalFailure describes the refusal of a write or a read, with what is known of the record and of earlier attempts.
func (c *cli) refusalFailure(err error, st *status.Status) failure {
	f := c.statusFailure(st)
	var changed *changedError
	if errors.As(err, &changed) {
		f.Changes = changed.changes
	}
	var doubtful *doubtfulError
	if errors.As(err, &doubtful) {
		f.RequestID = doubtful.requestID
		f.Note = fmt.Sprintf(c.label(
			"un invio precedente della richiesta %s è rimasto senza risposta e può essere già stato registrato: "+
				"controlla; se non c'è, lo stesso comando con --request-id %s la rifà da capo",
			"an earlier attempt of request %s got no answer and may be stored already: look; "+
				"if it is not there, the same command with --request-id %s starts anew"),
			doubtful.requestID, uuid.NewString())
	}
	if f.Reason == requestIDExpired { // its hint says the same
		f.Note = ""
	}
	return f
}

// unwrittenFailure says that a write is stored, and how to see its answer.
func (c *cli) unwrittenFailure(e *unwrittenError) failure {
	return failure{
		Problem: render.Problem{Message: fmt.Sprintf(c.label(
			"la richiesta è registrata, ma la risposta non è stata scritta (%v)",
			"the request is stored, but its answer was not written (%v)"), causeOf(e.cause))},
		Hint: c.label(
			"ripeti lo stesso comando, senza cambiarlo: riscrive la risposta, nulla viene registrato due volte",
			"run the same command again, unchanged: it writes the answer again, nothing is stored twice"),
	}
}

// statusFailure describes an error of a service. An error without a reason is not one of Pari's: its text is not shown.
func (c *cli) statusFailure(st *status.Status) failure {
	p := render.ParseStatus(st, c.lang)
	if p.Reason == "" && st.Code() != codes.Unauthenticated {
		p.Message = fmt.Sprintf(c.label("risposta inattesa del servizio (%s)", "unexpected answer of the service (%s)"),
			st.Code())
	}
	for i := range p.Fields {
		p.Fields[i].Name = c.fieldName(p.Fields[i].Path)
	}
	return failure{Problem: p, Hint: c.hint(p)}
}

// helpCommand is the command that explains the present one.
func (c *cli) helpCommand() string {
	if c.current != nil {
		return c.current.CommandPath() + " --help"
	}
	return "pari --help"
}

// loginCommand is the command that signs the user in again.
func (c *cli) loginCommand() string {
	switch {
	case c.as != "":
		return "pari login --as " + c.as
	case c.user != "":
		return "pari login --as " + c.user
	}
	return "pari login --as operator-cremona"
}
