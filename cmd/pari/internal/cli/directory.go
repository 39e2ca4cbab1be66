package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

func (c *cli) directory() *cobra.Command {
	cmd := &cobra.Command{Use: "directory", Short: "The network itself: bodies, nodes, offices, initiatives, programmes"}
	cmd.AddCommand(c.directoryList(), c.directoryShow(), c.directoryHistory(), c.directoryStatus(), c.directoryExport(), c.directoryImport(), c.directoryQualifications(), c.directoryStale(), c.directoryPrint(), c.directoryCalendar(), c.directoryEdit(), c.directoryDiff(), c.directoryApply(),
		c.directoryProposals(), c.directoryDecide("approve", directoryv1.Decision_DECISION_APPROVE), c.directoryDecide("reject", directoryv1.Decision_DECISION_REJECT))
	return cmd
}

// inDirectory asks the directory.
func (c *cli) inDirectory(cmd *cobra.Command, call func(context.Context, directoryv1.DirectoryServiceClient) error) error {
	return c.ask(cmd.Context(), "directory", func(ctx context.Context, conn *grpc.ClientConn) error {
		return call(ctx, directoryv1.NewDirectoryServiceClient(conn))
	})
}

// allEntries are the entries that a request lists, page by page.
func allEntries(ctx context.Context, client directoryv1.DirectoryServiceClient, req *directoryv1.ListEntriesRequest) (*directoryv1.ListEntriesResponse, error) {
	all := &directoryv1.ListEntriesResponse{}
	req.PageSize = 200
	for {
		page, err := client.ListEntries(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Entries, all.Revision, all.Freshness = append(all.Entries, page.GetEntries()...), page.GetRevision(), page.GetFreshness()
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all, nil
		}
	}
}

func (c *cli) directoryList() *cobra.Command {
	req := &directoryv1.ListEntriesRequest{}
	cmd := &cobra.Command{
		Use: "list [KIND...]", Short: "List entries", ValidArgs: files.Kinds(),
		Example: "  pari directory list programme\n  pari directory list --naming office/cremona-sportello",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Kinds = args
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := allEntries(ctx, client, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					row(c.label("VOCE", "ENTRY"), c.label("REVISIONE", "REVISION"))
					for _, e := range answer.GetEntries() {
						row(files.RefOf(e), e.GetRevision())
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&req.Node, "of", "", "only entries of this node")
	cmd.Flags().StringVar(&req.ReferringTo, "naming", "", "only entries that name this one, for instance office/cremona-sportello")
	cmd.Flags().StringVar(&req.VerifiedBefore, "stale", "", "only entries that were last checked before this day, or never")
	return cmd
}

func (c *cli) directoryShow() *cobra.Command {
	return &cobra.Command{
		Use: "show KIND/ID", Short: "Show one entry, as its file would be", Args: cobra.ExactArgs(1), Example: "  pari directory show programme/fami-piemonte-2021-2027",
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, id, _ := strings.Cut(args[0], "/")
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := client.GetEntry(ctx, &directoryv1.GetEntryRequest{Kind: kind, Id: id})
				if err != nil {
					return err
				}
				if c.format == "json" {
					return c.print(answer, nil)
				}
				text, err := files.MarshalYAML(answer.GetEntry())
				if err != nil {
					return err
				}
				_, err = c.out.Write(text)
				return err
			})
		},
	}
}

func (c *cli) directoryHistory() *cobra.Command {
	return &cobra.Command{
		Use: "history KIND/ID", Short: "Show what an entry was, and what changed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, id, _ := strings.Cut(args[0], "/")
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := client.ListEntryHistory(ctx, &directoryv1.ListEntryHistoryRequest{Kind: kind, Id: id})
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					row(c.label("REVISIONE", "REVISION"), c.label("DEL", "STORED"), c.label("CAMBIATI", "CHANGED"))
					for _, s := range answer.GetStates() {
						row(s.GetEntry().GetRevision(), s.GetEntry().GetStoredAt().AsTime().Format("2006-01-02 15:04"), strings.Join(s.GetChangedFields(), " "))
					}
				})
			})
		},
	}
}

func (c *cli) directoryEdit() *cobra.Command {
	return &cobra.Command{
		Use: "edit FOLDER", Short: "Write all entries as files, to edit them and keep them in git", Args: cobra.ExactArgs(1), Example: "  pari directory edit ./directory",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				all, err := allEntries(ctx, client, &directoryv1.ListEntriesRequest{})
				if err != nil {
					return err
				}
				if _, err := writeEntries(args[0], all.GetEntries()); err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.out, c.label("%d voci della revisione %d in %s\n→ pari directory diff %s\n", "%d entries of revision %d in %s\n→ pari directory diff %s\n"),
					len(all.GetEntries()), all.GetRevision(), args[0], args[0])
				return err
			})
		},
	}
}

func (c *cli) directoryDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff FOLDER", Short: "Check files, and show what they would change", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.propose(cmd, args[0], &directoryv1.ProposeChangesRequest{Reason: "diff", ValidateOnly: true})
		},
	}
}

func (c *cli) directoryApply() *cobra.Command {
	req := &directoryv1.ProposeChangesRequest{}
	cmd := &cobra.Command{
		Use: "apply FOLDER", Short: "Propose what files change; somebody else approves it", Args: cobra.ExactArgs(1),
		Example: "  pari directory apply ./directory --reason \"nuovo orario\" --as editor",
		RunE:    func(cmd *cobra.Command, args []string) error { return c.propose(cmd, args[0], req) },
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "why")
	cmd.Flags().StringVar(&req.EffectiveOn, "on", "", "day on which it becomes current, for instance 2026-12-01; empty: when it is approved")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// propose sends the files that differ from the directory. Files that are as the directory is are not sent, so the same files
// again propose nothing.
func (c *cli) propose(cmd *cobra.Command, folder string, req *directoryv1.ProposeChangesRequest) error {
	wanted, err := files.ParseFS(os.DirFS(folder))
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return fmt.Errorf("%s holds no files such as office/cremona-sportello.yaml", folder)
	}
	return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
		stands, err := allEntries(ctx, client, &directoryv1.ListEntriesRequest{})
		if err != nil {
			return err
		}
		req.Entries = different(wanted, stands.GetEntries())
		answer := &directoryv1.ProposeChangesResponse{}
		if len(req.GetEntries()) > 0 {
			req.RequestId = uuid.NewString()
			if answer, err = client.ProposeChanges(ctx, req); err != nil {
				return err
			}
		}
		return c.print(answer, func(row render.Row) { c.proposalRows(answer.GetProposal(), row) })
	})
}

// different are the entries that are not as they stand, each with the revision that stands.
func different(wanted, stands []*directoryv1.Entry) (out []*directoryv1.Entry) {
	standing := map[string]*directoryv1.Entry{}
	for _, e := range stands {
		standing[files.RefOf(e)] = e
	}
	for _, e := range wanted {
		if old := standing[files.RefOf(e)]; old == nil || !files.Equal(old, e) {
			e.Revision = old.GetRevision()
			out = append(out, e)
		}
	}
	return out
}

func (c *cli) proposalRows(p *directoryv1.Proposal, row render.Row) {
	if p == nil {
		row(c.label("niente da cambiare", "nothing to change"))
		return
	}
	for _, change := range p.GetChanges() {
		what := c.label("nuova", "new")
		if change.GetBaseRevision() != 0 {
			what = strings.Join(change.GetChangedFields(), " ")
		}
		row(files.RefOf(change.GetEntry()), what)
	}
	if p.GetProposalId() != "" {
		row(c.label("proposta", "proposal"), p.GetProposalId(), short(p.GetState().String()))
		row("→ pari directory approve " + p.GetProposalId() + " --as publisher")
	}
}

func (c *cli) directoryProposals() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "proposals", Short: "List changes that wait for a second person", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req := &directoryv1.ListProposalsRequest{PageSize: 50, State: directoryv1.ProposalState_PROPOSAL_STATE_PENDING}
			if all {
				req.State = directoryv1.ProposalState_PROPOSAL_STATE_UNSPECIFIED
			}
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer := &directoryv1.ListProposalsResponse{}
				for first := true; first || req.GetPageToken() != "" && len(answer.GetProposals()) < 50; first = false {
					page, err := client.ListProposals(ctx, req) // pages of large proposals hold few
					if err != nil {
						return err
					}
					answer.Proposals = append(answer.Proposals, page.GetProposals()...)
					req.PageToken, answer.NextPageToken = page.GetNextPageToken(), page.GetNextPageToken()
				}
				return c.print(answer, func(row render.Row) {
					row(c.label("PROPOSTA", "PROPOSAL"), c.label("STATO", "STATE"), c.label("VOCI", "ENTRIES"), c.label("PERCHÉ", "REASON"))
					for _, p := range answer.GetProposals() {
						row(p.GetProposalId(), short(p.GetState().String()), len(p.GetChanges()), p.GetReason())
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were decided on")
	return cmd
}

func (c *cli) directoryDecide(verb string, decision directoryv1.Decision) *cobra.Command {
	req := &directoryv1.DecideProposalRequest{Decision: decision, Version: 1}
	cmd := &cobra.Command{
		Use: verb + " PROPOSAL", Short: strings.ToUpper(verb[:1]) + verb[1:] + " what somebody else proposed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.RequestId, req.ProposalId = uuid.NewString(), args[0]
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := client.DecideProposal(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					row(answer.GetProposal().GetProposalId(), short(answer.GetProposal().GetState().String()), c.label("revisione", "revision"), answer.GetProposal().GetRevision())
				})
			})
		},
	}
	cmd.Flags().StringVar(&req.Note, "note", "", "why, for whoever proposed it")
	return cmd
}
