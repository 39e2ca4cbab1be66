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

// documents are the formats that can be read, by the names that people type.
var documents = map[string]directoryv1.DocumentFormat{
	"hsds": directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS, "yaml": directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML,
}

func (c *cli) directoryImport() *cobra.Command {
	names := slices.Sorted(maps.Keys(documents))
	req := &directoryv1.ReadDocumentRequest{}
	cmd := &cobra.Command{
		Use: "import FORMAT FILE FOLDER", Short: "Write a document of another directory as files, to look at and apply: " + strings.Join(names, ", "),
		Args: cobra.ExactArgs(3), ValidArgs: names, Example: "  pari directory import hsds other.json ./directory --as editor",
		RunE: func(cmd *cobra.Command, args []string) error {
			known := false
			if req.Format, known = documents[args[0]]; !known {
				return fmt.Errorf("%q is no format; there are %s", args[0], strings.Join(names, ", "))
			}
			var err error
			if req.Content, err = readDocument(args[1], req.Format); err != nil {
				return err
			}
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := client.ReadDocument(ctx, req)
				if err != nil {
					return err
				}
				became, err := writeEntries(args[2], answer.GetEntries())
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) { c.importRows(answer, became, args[2], row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Kind, "kind", "", "kind of the entry, for the format yaml: "+strings.Join(files.Kinds(), ", "))
	return cmd
}

// maxDocument is the largest document that the directory takes, in bytes: 4 MiB with all that travels beside it.
const maxDocument = 4<<20 - 1<<10

// readDocument reads a document, as short as it can be written.
func readDocument(file string, format directoryv1.DocumentFormat) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if format == directoryv1.DocumentFormat_DOCUMENT_FORMAT_HSDS {
		var short bytes.Buffer
		if json.Compact(&short, raw) == nil { // what is no JSON the directory refuses, and says where
			raw = short.Bytes()
		}
	}
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("%s has %d bytes, and a document at most %d: write it node by node and import each", file, len(raw), maxDocument)
	}
	return raw, nil
}

// importRows say what was read, what was passed over and why, and what has to be mended before it can be proposed.
func (c *cli) importRows(answer *directoryv1.ReadDocumentResponse, became []string, folder string, row render.Row) {
	words := map[string]string{
		fileNew: c.label("nuovo file", "new file"), fileChanged: c.label("file cambiato", "file changed"), fileSame: c.label("file invariato", "file as it was"),
	}
	for i, e := range answer.GetEntries() {
		standing := c.label("nuova nel repertorio", "new in the directory")
		if e.GetRevision() != 0 {
			standing = fmt.Sprintf(c.label("nel repertorio dalla revisione %d", "in the directory since revision %d"), e.GetRevision())
		}
		row(files.RefOf(e), words[became[i]], standing)
	}
	problems := func(title string, all []*directoryv1.DocumentProblem, more int32) {
		if len(all) == 0 {
			return
		}
		row(title)
		for _, p := range all {
			row("  "+p.GetPath(), p.GetReason(), c.label(p.GetTextIt(), p.GetTextEn()))
		}
		if more > 0 {
			row(fmt.Sprintf(c.label("  e altri %d", "  and %d more"), more))
		}
	}
	problems(c.label("TRALASCIATO", "PASSED OVER"), answer.GetPassedOver(), answer.GetPassedOverMore())
	problems(c.label("DA CORREGGERE NEI FILE", "TO BE MENDED IN THE FILES"), answer.GetWrong(), answer.GetWrongMore())
	row("→ pari directory diff " + folder + " --as editor")
}

// What became of a file.
const (
	fileNew     = "new"
	fileChanged = "changed"
	fileSame    = "same"
)

// writeEntries writes entries as files, and tells what became of each. No name of an entry leads out of the folder.
func writeEntries(folder string, entries []*directoryv1.Entry) (became []string, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // public data
		return nil, fmt.Errorf("write files: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("write files: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, e := range entries {
		text, err := files.MarshalYAML(e)
		if err != nil {
			return nil, err
		}
		name := filepath.FromSlash(path.Join(e.GetKind(), e.GetId()+".yaml"))
		before, err := root.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			became = append(became, fileNew)
		case err != nil:
			return nil, fmt.Errorf("write files: %w", err)
		case bytes.Equal(before, text):
			became = append(became, fileSame)
			continue
		default:
			became = append(became, fileChanged)
		}
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, fmt.Errorf("write files: %w", err)
		}
		if err := root.WriteFile(name, text, 0o644); err != nil {
			return nil, fmt.Errorf("write files: %w", err)
		}
	}
	return became, nil
}
