package cli

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// maxInput bounds what is read from a file or from standard input. The largest request is smaller.
const maxInput = 1 << 20

// Byte order marks, with which some editors begin a file.
const (
	utf8Mark    = "\xef\xbb\xbf"
	utf16Little = "\xff\xfe"
	utf16Big    = "\xfe\xff"
)

// inputName is the name of a file for people.
func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// readFile reads a text file, or standard input when the name is "-".
func (c *cli) readFile(name string) ([]byte, error) {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, unreadable(inputName(name), err)
	}
	if len(raw) > maxInput {
		return nil, errorf("%s: più di 1 MiB", "%s: more than 1 MiB", inputName(name))
	}
	return decodeText(inputName(name), raw)
}

// unreadable says that a file cannot be read.
func unreadable(name string, err error) error {
	return errorf("%s: non si legge (%v)", "%s: not readable (%v)", name, causeOf(err))
}

// textFS reads text files, as decodeText does.
type textFS struct{ fs.FS }

// ReadFile implements fs.ReadFileFS.
func (f textFS) ReadFile(name string) ([]byte, error) {
	raw, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	return decodeText(name, raw)
}

// decodeText returns a text without its byte order mark. It refuses a text that is not UTF-8.
func decodeText(name string, raw []byte) ([]byte, error) {
	if bytes.HasPrefix(raw, []byte(utf16Little)) || bytes.HasPrefix(raw, []byte(utf16Big)) {
		return nil, errorf("%s è in UTF-16: salvalo in UTF-8", "%s is in UTF-16: save it as UTF-8", name)
	}
	raw = bytes.TrimPrefix(raw, []byte(utf8Mark))
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return nil, errorf("%s, riga %d: non è UTF-8, per esempio una lettera accentata; salvalo in UTF-8",
				"%s, line %d: not UTF-8, an accented letter for instance; save it as UTF-8", name, lineAt(raw, i))
		}
		i += size
	}
	return raw, nil
}

// lineAt returns the number of the line that holds an offset.
func lineAt(raw []byte, offset int) int { return bytes.Count(raw[:offset], []byte("\n")) + 1 }

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
