package cli

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// print writes an answer as JSON, in the names of the contract, or lets table write it for people.
func (c *cli) print(answer proto.Message, table func(row render.Row)) error {
	if c.format == "json" {
		raw, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true, EmitUnpopulated: true}.Marshal(answer)
		if err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		_, err = fmt.Fprintln(c.out, string(raw))
		return err
	}
	if err := render.Rows(c.out, table); err != nil {
		return err
	}
	if a, aged := answer.(interface {
		GetFreshness() *directoryv1.Freshness
	}); aged {
		if said := c.freshness(a.GetFreshness()); said != "" {
			_, err := fmt.Fprintln(c.out, said)
			return err
		}
	}
	return nil
}

// label picks the text in the language that was asked for.
func (c *cli) label(it, en string) string { return render.Label(c.lang, it, en) }
