package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// dateTime is the layout of times in tables.
const dateTime = "2006-01-02 15:04"

// print writes a response as JSON with the field names of the contract, or as the rows that table writes. A directory
// response from a replica is followed by its age, and the response to a write that was stored before by a line that
// says so.
func (c *cli) print(resp proto.Message, table func(row render.Row)) error {
	if c.format == "json" {
		options := protojson.MarshalOptions{Multiline: true, UseProtoNames: true, EmitUnpopulated: true}
		raw, err := options.Marshal(resp)
		if err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return c.writeJSON(raw)
	}
	if err := render.Rows(c.out, table); err != nil {
		return err
	}
	if r, ok := resp.(interface{ GetReplayed() bool }); ok && r.GetReplayed() {
		return render.Printf(c.out, "%s\n", c.label(
			"già registrata da un invio precedente: ora non è stato registrato nulla",
			"stored already by an earlier attempt: nothing was stored now"))
	}
	r, ok := resp.(interface {
		GetFreshness() *directoryv1.Freshness
	})
	if !ok {
		return nil
	}
	if text := c.freshness(r.GetFreshness()); text != "" {
		return render.Printf(c.out, "%s\n", text)
	}
	return nil
}

// writeJSON writes a JSON document.
func (c *cli) writeJSON(raw []byte) error {
	_, err := c.out.Write(append(render.EscapeJSON(raw), '\n'))
	return err
}

// writeDocument writes the bytes of a document to a file or a pipe, and its escaped text to a terminal.
func (c *cli) writeDocument(content []byte) error {
	if c.terminal {
		content = []byte(render.EscapeLines(string(content)))
	}
	_, err := c.out.Write(content)
	return err
}

// isTerminal reports whether a person sees what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// label returns the text in the language of --lang.
func (c *cli) label(it, en string) string { return render.Label(c.lang, it, en) }

// shortEnum removes the prefix that enum values have in the contract.
func shortEnum(name string) string {
	prefixes := []string{
		"REPORT_STATE_", "CASE_STATE_", "UNIT_", "OPEN_STATE_", "PROPOSAL_STATE_", "TERRITORY_KIND_",
		"TERRITORY_REASON_",
	}
	for _, prefix := range prefixes {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}
