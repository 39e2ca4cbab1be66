package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

// importFormats maps the names of the command line to the document formats.
var importFormats = map[string]directoryv1.DocumentFormat{
	"hsds": directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS, "yaml": directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML,
}

func (c *cli) directoryImportCmd() *cobra.Command {
	names := slices.Sorted(maps.Keys(importFormats))
	req := &directoryv1.ReadDocumentRequest{}
	cmd := &cobra.Command{
		Use: "import FORMAT FILE FOLDER",
		Short: "Write a document of another directory as files, to look at and apply: " +
			strings.Join(names, ", "),
		Args: cobra.ExactArgs(3), ValidArgs: names,
		Example: "  pari directory import hsds other.json ./directory --as editor",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ok := false
			if req.Format, ok = importFormats[args[0]]; !ok {
				return errorf("%q non è un formato; ci sono %s",
					"%q is no format; there are %s", args[0], strings.Join(names, ", "))
			}
			if req.Content, err = readDocument(args[1], req.Format); err != nil {
				return err
			}
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.ReadDocument(ctx, req)
				if err != nil {
					return err
				}
				results, err := writeEntries(args[2], resp.GetEntries())
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.importRows(resp, results, args[2], row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Kind, "kind", "",
		"kind of the entry, for the format yaml: "+strings.Join(files.Kinds(), ", "))
	return cmd
}

// maxDocument is the largest document in bytes. With the rest of the request it stays below the 4 MiB of a message.
const maxDocument = 4<<20 - 1<<10

// readDocument reads a document and removes the white space of JSON. It does not parse: the directory reports what is
// invalid and where.
func readDocument(file string, format directoryv1.DocumentFormat) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	if raw, err = decodeText(file, raw); err != nil {
		return nil, err
	}
	if format == directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS {
		var compact bytes.Buffer
		if json.Compact(&compact, raw) == nil {
			raw = compact.Bytes()
		}
	}
	if len(raw) > maxDocument {
		return nil, errorf("%s ha %d byte, e un documento al più %d: scrivilo nodo per nodo e importali uno per uno",
			"%s has %d bytes, and a document at most %d: write it node by node and import each",
			file, len(raw), maxDocument)
	}
	return raw, nil
}

// importRows lists the entries that were read, what was left out and why, and what to correct before proposing.
func (c *cli) importRows(resp *directoryv1.ReadDocumentResponse, results []fileResult, folder string, row render.Row) {
	texts := map[fileResult]string{
		fileNew:     c.label("nuovo file", "new file"),
		fileChanged: c.label("file cambiato", "file changed"),
		fileSame:    c.label("file invariato", "file unchanged"),
	}
	for i, e := range resp.GetEntries() {
		revision := c.label("nuova nel repertorio", "new in the directory")
		if e.GetRevision() != 0 {
			format := c.label("nel repertorio dalla revisione %d", "in the directory since revision %d")
			revision = fmt.Sprintf(format, e.GetRevision())
		}
		row(files.RefOf(e), texts[results[i]], revision)
	}
	c.problemRows(c.label("TRALASCIATO", "PASSED OVER"), resp.GetPassedOver(), resp.GetPassedOverMore(), row)
	toCorrect := c.label("DA CORREGGERE NEI FILE", "TO CORRECT IN THE FILES")
	c.problemRows(toCorrect, resp.GetWrong(), resp.GetWrongMore(), row)
	row("→ pari directory diff " + folder + " --as editor")
}

func (c *cli) problemRows(title string, problems []*directoryv1.DocumentProblem, more int32, row render.Row) {
	if len(problems) == 0 {
		return
	}
	row(title)
	for _, p := range problems {
		row("  "+p.GetPath(), p.GetReason(), c.label(p.GetTextIt(), p.GetTextEn()))
	}
	if more > 0 {
		row(fmt.Sprintf(c.label("  e altri %d", "  and %d more"), more))
	}
}

// fileResult is how writing an entry changed its file.
type fileResult string

const (
	fileNew     fileResult = "new"
	fileChanged fileResult = "changed"
	fileSame    fileResult = "same"
)

// writeEntries writes each entry to <kind>/<id>.yaml below the folder and returns the result for each. An entry whose
// name points outside the folder is an error.
func writeEntries(folder string, entries []*directoryv1.Entry) (results []fileResult, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // public data
		return nil, fmt.Errorf("write files: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("write files: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, e := range entries {
		result, err := writeEntry(root, e)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

func writeEntry(root *os.Root, e *directoryv1.Entry) (fileResult, error) {
	text, err := files.MarshalYAML(e)
	if err != nil {
		return "", err
	}
	name := filepath.FromSlash(path.Join(e.GetKind(), e.GetId()+".yaml"))
	result := fileChanged
	old, err := root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		result = fileNew
	case err != nil:
		return "", fmt.Errorf("write files: %w", err)
	case bytes.Equal(old, text):
		return fileSame, nil
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", fmt.Errorf("write files: %w", err)
	}
	if err := root.WriteFile(name, text, 0o644); err != nil {
		return "", fmt.Errorf("write files: %w", err)
	}
	return result, nil
}
