package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/pkg/fault"
)

// Ensure that an error is printed in the language of --lang and ends with a hint.
func TestApp_Explain(t *testing.T) {
	t.Parallel()
	notFound := fault.ToStatus(fault.New(fault.NotFound), nil).Err()
	for _, c := range []struct {
		err        error
		lang, want string
	}{
		{network.ErrOldData, "it",
			"the data here are of an earlier version, which cannot be brought up to date\n→ pari-dev up --dir FOLDER"},
		{fmt.Errorf("x: %w", network.ErrRunning), "it", "x: a network is running here already\n→ pari feed status"},
		{errDisagree, "it", "centre and nodes do not agree\n→ pari login --as analyst"},
		{notFound, "it",
			"qui non esiste questo dato: controlla l'identificativo e il nodo chiamato [NOT_FOUND]\n→ pari-dev --help"},
		{notFound, "en",
			"there is no such record here: check the identifier and the node that you call [NOT_FOUND]\n" +
				"→ pari-dev --help"},
	} {
		var out bytes.Buffer
		a := &app{errOut: &out, lang: c.lang}
		a.explain(c.err)
		if !strings.HasPrefix(out.String(), c.want) || !strings.HasSuffix(out.String(), "\n") {
			t.Errorf("%v in %s: got %q", c.err, c.lang, out.String())
		}
	}
}

// Ensure that an unknown language is refused before anything starts.
func TestRun_RefusesUnknownLanguage(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	code := run([]string{"demo", "--lang", "de"}, &out, &errOut)
	want := "--lang takes it or en, not \"de\"\n→ pari-dev --help\n"
	if code != 1 || errOut.String() != want {
		t.Errorf("exit %d, %q", code, errOut.String())
	}
}
