package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/retepari/pari/cmd/pari/render"
)

// requestIDExpired is the reason of intake for an attempt that is too late to tell whether it is the first.
const requestIDExpired = "REQUEST_ID_EXPIRED"

// hints maps the reason of an error to what to try next.
var hints = map[string]text{
	"NOT_ASSESSED": {"pari case assess ID --help", "pari case assess ID --help"},
	"WRONG_NODE": {"--node con il nodo dell'utente, o pari login --as un utente di quel nodo; " +
		"analyst e auditor sono del centro",
		"--node with the node of the user, or pari login --as a user of that node; " +
			"analyst and auditor belong to the centre"},
	"WRONG_REGION": {"--region con una regione che puoi vedere, per esempio piemonte",
		"--region with a region that you may see, for instance piemonte"},
	"NO_TOKEN": {"pari login --as operator-cremona, o --as editor per il repertorio; " +
		"poi lo stesso comando con quel --as",
		"pari login --as operator-cremona, or --as editor for the directory; then the same command with that --as"},
	"AT_THE_CENTRE_ONLY": {"lo stesso comando senza --copy: solo il centro ha storico e proposte",
		"the same command without --copy: only the centre has history and proposals"},
	"SECOND_PERSON_NEEDED": {"pari directory proposals; decide un publisher che non ha proposto la modifica",
		"pari directory proposals; a publisher who did not propose the change decides"},
	"UNKNOWN_TABLE":     {"pari table list", "pari table list"},
	"REQUEST_ID_REUSED": {"lo stesso comando senza --request-id", "the same command without --request-id"},
	"INVALID_REQUEST": {"correggi questi campi e riprova; %s elenca le opzioni",
		"correct these fields and try again; %s lists the options"},
	"UNAVAILABLE": {"riprova tra poco: nulla viene registrato due volte",
		"try again in a moment: nothing is stored twice"},
	"TOO_MANY_REQUESTS": {"riprova tra poco: nulla viene registrato due volte",
		"try again in a moment: nothing is stored twice"},
}

// recordHints maps a reason and a group of commands to the hint. Other groups are about the directory.
var recordHints = map[string]map[string]text{
	"NOT_FOUND": {
		"report": {"pari report list mostra numeri e identificativi",
			"pari report list shows numbers and identifiers"},
		"case":      {"pari case list mostra numeri e identificativi", "pari case list shows numbers and identifiers"},
		"directory": {"pari directory list mostra gli identificativi", "pari directory list shows the identifiers"},
	},
	"WRONG_VERSION": {
		"report": {"pari report show %s mostra che cosa è cambiato; poi decidi di nuovo",
			"pari report show %s shows what changed; then decide again"},
		"case": {"pari case show %s mostra che cosa è cambiato; poi decidi di nuovo",
			"pari case show %s shows what changed; then decide again"},
		"directory": {"pari directory history TIPO/ID mostra che cosa è cambiato; poi decidi di nuovo",
			"pari directory history KIND/ID shows what changed; then decide again"},
	},
	"FORBIDDEN_MOVE": {
		"report": {"pari report show %s mostra lo stato", "pari report show %s shows the state"},
		"case": {"pari case show %s mostra lo stato; docs/case-states.md mostra che cosa può seguire",
			"pari case show %s shows the state; docs/case-states.md shows what may follow"},
		"directory": {"pari directory proposals --all mostra lo stato",
			"pari directory proposals --all shows the state"},
	},
}

// allowed maps commands to the users of the development network who may run them.
var allowed = []struct{ command, users string }{
	{"pari report", "operator-%[1]s, worker-%[1]s, coordinator-%[1]s"},
	{"pari case close", "coordinator-%[1]s"},
	{"pari case assess", "worker-%[1]s, coordinator-%[1]s"},
	{"pari case act", "worker-%[1]s, coordinator-%[1]s"},
	{"pari case show --full", "worker-%[1]s, coordinator-%[1]s"},
	{"pari case", "operator-%[1]s, worker-%[1]s, coordinator-%[1]s"},
	{"pari table", "analyst, auditor"},
	{"pari feed", "analyst, auditor"},
	{"pari directory approve", "publisher"},
	{"pari directory reject", "publisher"},
	{"pari directory proposals", "editor, publisher"},
	{"pari directory", "editor, editor-%[1]s"},
}

// hint returns what to try next after an error of a service.
func (c *cli) hint(p render.Problem) string {
	if hint := c.codeHint(p.Fields); hint != "" {
		return hint
	}
	record := c.first()
	if p.Reason == "NOT_FOUND" && c.group() == "" {
		return c.label("pari report list, pari case list o pari directory list mostrano gli identificativi",
			"pari report list, pari case list or pari directory list shows the identifiers")
	}
	if texts, ok := recordHints[p.Reason]; ok {
		group := "directory"
		if _, ok := texts[c.group()]; ok {
			group = c.group()
		}
		hint := texts[group].in(c.lang)
		if strings.Contains(hint, "%s") {
			hint = fmt.Sprintf(hint, record)
		}
		return hint
	}
	switch p.Reason {
	case "NOT_ALLOWED", "VIEW_NOT_ALLOWED":
		return fmt.Sprintf(c.label("pari login --as uno di: %s", "pari login --as one of: %s"), c.allowedUsers())
	case "BAD_TOKEN", "EXPIRED_TOKEN":
		return c.loginCommand()
	case "INVALID_REQUEST":
		return fmt.Sprintf(hints[p.Reason].in(c.lang), c.helpCommand())
	case requestIDExpired:
		format := c.label("pari report list mostra se c'è già; se non c'è, lo stesso comando con --request-id %s",
			"pari report list shows whether it is there; if not, the same command with --request-id %s")
		return fmt.Sprintf(format, uuid.NewString())
	case "NOT_ASSESSED":
		return "pari case assess " + record + " --help"
	case "":
		if p.Code == "Unauthenticated" {
			return c.loginCommand()
		}
	}
	return cmp.Or(hints[p.Reason].in(c.lang), c.helpCommand())
}

var listInBrackets = regexp.MustCompile(`\(([a-z_]+)\)`)

// codeHint names the command that shows the codes of the list of an unknown code, or "".
func (c *cli) codeHint(fields []render.FieldProblem) string {
	for _, f := range fields {
		if f.Reason != "UNKNOWN_CODE" && f.Reason != "EXPIRED_CODE" {
			continue
		}
		list := listInBrackets.FindStringSubmatch(f.Message)
		switch {
		case list == nil:
			return c.label("pari vocabulary ELENCO mostra i codici validi",
				"pari vocabulary LIST shows the valid codes")
		case list[1] == "territory":
			return c.label("pari place NOME trova il codice di un luogo", "pari place NAME finds the code of a place")
		}
		return "pari vocabulary " + list[1] + c.label(" mostra i codici validi", " shows the valid codes")
	}
	return ""
}

// group is the name of the command group, for instance "report".
func (c *cli) group() string {
	if c.current == nil {
		return ""
	}
	parts := strings.Fields(c.current.CommandPath())
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// first is the first argument of the command: the record that it is about.
func (c *cli) first() string {
	if c.current != nil && c.current.Flags().NArg() > 0 {
		return c.current.Flags().Arg(0)
	}
	return "ID"
}

// allowedUsers names the users of the development network who may run the command.
func (c *cli) allowedUsers() string {
	command := "pari"
	if c.current != nil {
		command = c.current.CommandPath()
		if full := c.current.Flags().Lookup("full"); full != nil && full.Changed {
			command += " --full"
		}
	}
	node := cmp.Or(c.node, "cremona")
	for _, a := range allowed {
		if strings.HasPrefix(command, a.command) {
			if !strings.Contains(a.users, "%") {
				return a.users
			}
			return fmt.Sprintf(a.users, node)
		}
	}
	return users.in(c.lang)
}
