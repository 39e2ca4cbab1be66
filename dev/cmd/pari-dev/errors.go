package main

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/pglocal"
)

// explain prints an error, that of a call in the language of --lang, and what to try next.
func (a *app) explain(err error) {
	var b strings.Builder
	if st, ok := status.FromError(err); ok && st.Code() != codes.OK {
		render.Status(&b, st, a.lang)
	} else {
		fmt.Fprintln(&b, render.EscapeLines(err.Error()))
	}
	fmt.Fprintf(&b, "→ %s\n", hint(err))
	_, _ = a.errOut.Write([]byte(b.String()))
}

func hint(err error) string {
	switch {
	case errors.Is(err, network.ErrRunning):
		return "pari feed status, pari desk find: they use the network that runs"
	case errors.Is(err, network.ErrOldData):
		return "pari-dev up --dir FOLDER, a new one"
	case errors.Is(err, pglocal.ErrNoBinaries):
		return "make postgres"
	case errors.Is(err, errDisagree):
		return "pari login --as analyst, then pari feed status: which partition has gaps or unapplied events"
	case status.Code(err) == codes.Unavailable:
		return "pari-dev demo again in a moment: a service of the network does not answer"
	default:
		return "pari-dev --help"
	}
}
