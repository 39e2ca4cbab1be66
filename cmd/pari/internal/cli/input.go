package cli

import (
	"io"
	"os"

	"github.com/spf13/cobra"
)

// maxInput bounds what is read from standard input.
const maxInput = 1 << 20

// readFile reads a file, or standard input when the name is "-".
func (c *cli) readFile(name string) ([]byte, error) {
	var raw []byte
	var err error
	if name == "-" {
		raw, err = io.ReadAll(io.LimitReader(c.in, maxInput))
	} else {
		raw, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, errorf("%[1]s: non si legge", "%[1]s: not readable", name)
	}
	return raw, nil
}

// noteFlags adds --note and --note-file.
func noteFlags(cmd *cobra.Command, note, file *string, usage string) {
	const visible = "; other users of the machine can see flags, --note-file keeps it from them"
	cmd.Flags().StringVar(note, "note", "", usage+visible)
	cmd.Flags().StringVar(file, "note-file", "", "file with the note; - reads standard input")
}

// readNote returns the note of --note or --note-file.
func (c *cli) readNote(note, file string) (string, error) {
	if file == "" {
		return note, nil
	}
	if note != "" {
		return "", errorf("--note e --note-file si escludono", "--note and --note-file exclude each other")
	}
	raw, err := c.readFile(file)
	return string(raw), err
}
