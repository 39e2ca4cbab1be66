package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

func (c *cli) directoryCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "directory", Short: "The network itself: bodies, nodes, offices, initiatives, programmes",
	}
	cmd.AddCommand(
		c.directoryListCmd(), c.directoryShowCmd(), c.directoryHistoryCmd(), c.directoryStatusCmd(),
		c.directoryExportCmd(), c.directoryImportCmd(), c.directoryQualificationsCmd(), c.directoryStaleCmd(),
		c.directoryPrintCmd(), c.directoryCalendarCmd(), c.directoryEditCmd(), c.directoryDiffCmd(),
		c.directoryApplyCmd(), c.directoryProposalsCmd(),
		c.directoryDecideCmd("approve", directoryv1.Decision_DECISION_APPROVE),
		c.directoryDecideCmd("reject", directoryv1.Decision_DECISION_REJECT),
	)
	return cmd
}

// allEntries reads all pages of a list.
func allEntries(
	ctx context.Context, directory directoryClient, req *directoryv1.ListEntriesRequest,
) (*directoryv1.ListEntriesResponse, error) {
	all := &directoryv1.ListEntriesResponse{}
	req.PageSize = 200
	for {
		page, err := directory.ListEntries(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Entries = append(all.Entries, page.GetEntries()...)
		all.Revision, all.Freshness = page.GetRevision(), page.GetFreshness()
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all, nil
		}
	}
}

func (c *cli) directoryListCmd() *cobra.Command {
	req := &directoryv1.ListEntriesRequest{}
	cmd := &cobra.Command{
		Use: "list [KIND...]", Short: "List entries", ValidArgs: files.Kinds(),
		Example: "  pari directory list programme\n  pari directory list --naming office/cremona-sportello",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Kinds = args
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := allEntries(ctx, directory, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					row(c.label("VOCE", "ENTRY"), c.label("REVISIONE", "REVISION"))
					for _, e := range resp.GetEntries() {
						row(files.RefOf(e), e.GetRevision())
					}
				})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Node, "of", "", "only entries of this node")
	f.StringVar(&req.ReferringTo, "naming", "",
		"only entries that name this one, for instance office/cremona-sportello")
	f.StringVar(&req.VerifiedBefore, "stale", "", "only entries that were last checked before this day, or never")
	return cmd
}

func (c *cli) directoryShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show KIND/ID", Short: "Show one entry, as its file would be", Args: cobra.ExactArgs(1),
		Example: "  pari directory show programme/fami-piemonte-2021-2027",
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, id, _ := strings.Cut(args[0], "/")
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.GetEntry(ctx, &directoryv1.GetEntryRequest{Kind: kind, Id: id})
				if err != nil {
					return err
				}
				if c.format == "json" {
					return c.print(resp, nil)
				}
				text, err := files.MarshalYAML(resp.GetEntry())
				if err != nil {
					return err
				}
				_, err = io.WriteString(c.out, render.EscapeLines(string(text)))
				return err
			})
		},
	}
}

func (c *cli) directoryHistoryCmd() *cobra.Command {
	return &cobra.Command{
		Use: "history KIND/ID", Short: "Show what an entry was, and what changed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, id, _ := strings.Cut(args[0], "/")
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				req := &directoryv1.ListEntryHistoryRequest{Kind: kind, Id: id}
				resp, err := directory.ListEntryHistory(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					row(c.label("REVISIONE", "REVISION"), c.label("DEL", "STORED"), c.label("CAMBIATI", "CHANGED"))
					for _, s := range resp.GetStates() {
						e := s.GetEntry()
						row(e.GetRevision(), formatTime(e.GetStoredAt()),
							strings.Join(s.GetChangedFields(), " "))
					}
				})
			})
		},
	}
}

func (c *cli) directoryEditCmd() *cobra.Command {
	return &cobra.Command{
		Use: "edit FOLDER", Short: "Write all entries as files, to edit them and keep them in git",
		Args: cobra.ExactArgs(1), Example: "  pari directory edit ./directory",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				all, err := allEntries(ctx, directory, &directoryv1.ListEntriesRequest{})
				if err != nil {
					return err
				}
				if _, err := writeEntries(args[0], all.GetEntries()); err != nil {
					return err
				}
				format := c.label("%d voci della revisione %d in %s\n→ pari directory diff %s\n",
					"%d entries of revision %d in %s\n→ pari directory diff %s\n")
				return render.Printf(c.out, format, len(all.GetEntries()), all.GetRevision(), args[0], args[0])
			})
		},
	}
}
