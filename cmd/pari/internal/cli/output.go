package cli

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// dateTime is the layout of times in tables.
const dateTime = "2006-01-02 15:04"

// print writes a response as JSON with the field names of the contract, or as the rows that table writes. A directory
// response from a replica is followed by its age.
func (c *cli) print(resp proto.Message, table func(row render.Row)) error {
	if c.format == "json" {
		options := protojson.MarshalOptions{Multiline: true, UseProtoNames: true, EmitUnpopulated: true}
		raw, err := options.Marshal(resp)
		if err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		_, err = fmt.Fprintln(c.out, string(raw))
		return err
	}
	if err := render.Rows(c.out, table); err != nil {
		return err
	}
	r, ok := resp.(interface {
		GetFreshness() *directoryv1.Freshness
	})
	if !ok {
		return nil
	}
	if text := c.freshness(r.GetFreshness()); text != "" {
		_, err := fmt.Fprintln(c.out, text)
		return err
	}
	return nil
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
