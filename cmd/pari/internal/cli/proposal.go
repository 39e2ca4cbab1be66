package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

// maxProposals is how many proposals the list shows before it stops reading pages.
const maxProposals = 50

func (c *cli) directoryDiffCmd() *cobra.Command {
	return &cobra.Command{
		Use: "diff FOLDER", Short: "Check files, and show what they would change", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &directoryv1.ProposeChangesRequest{Reason: "diff", ValidateOnly: true}
			return c.propose(cmd.Context(), args[0], req)
		},
	}
}

func (c *cli) directoryApplyCmd() *cobra.Command {
	req := &directoryv1.ProposeChangesRequest{}
	cmd := &cobra.Command{
		Use: "apply FOLDER", Short: "Propose the changes in files; another person approves", Args: cobra.ExactArgs(1),
		Example: "  pari directory apply ./directory --reason \"nuovo orario\" --as editor",
		RunE: func(cmd *cobra.Command, args []string) error {
			if req.GetReason() == "" {
				return errorf("manca --reason: il motivo della modifica", "--reason is missing: why the change is made")
			}
			return c.propose(cmd.Context(), args[0], req)
		},
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "why")
	cmd.Flags().StringVar(&req.EffectiveOn, "on", "",
		"day on which it becomes current, for instance 2026-12-01; empty: when it is approved")
	requestIDFlag(cmd, &req.RequestId)
	return cmd
}

// propose sends the files that differ from the directory. Unchanged files are not sent, so running it twice proposes
// nothing the second time.
func (c *cli) propose(ctx context.Context, folder string, req *directoryv1.ProposeChangesRequest) error {
	desired, err := files.ParseFS(textFS{os.DirFS(folder)})
	if err != nil {
		return err
	}
	if len(desired) == 0 {
		return errorf("%s non contiene file come office/cremona-sportello.yaml",
			"%s holds no files such as office/cremona-sportello.yaml", folder)
	}
	return c.withDirectoryAsUser(ctx, func(ctx context.Context, directory directoryClient) error {
		current, err := allEntries(ctx, directory, &directoryv1.ListEntriesRequest{})
		if err != nil {
			return err
		}
		req.Entries = changedEntries(desired, current.GetEntries())
		resp := &directoryv1.ProposeChangesResponse{}
		if len(req.GetEntries()) > 0 {
			if resp, err = send(ctx, c, req, nil, directory.ProposeChanges); err != nil {
				return err
			}
		}
		return c.print(resp, func(row render.Row) { c.proposalRows(resp.GetProposal(), row) })
	})
}

// changedEntries returns the desired entries that are new or differ from the current ones, with the current Revision.
func changedEntries(desired, current []*directoryv1.Entry) (changed []*directoryv1.Entry) {
	byRef := map[string]*directoryv1.Entry{}
	for _, e := range current {
		byRef[files.RefOf(e)] = e
	}
	for _, e := range desired {
		if old := byRef[files.RefOf(e)]; old == nil || !files.Equal(old, e) {
			e.Revision = old.GetRevision()
			changed = append(changed, e)
		}
	}
	return changed
}

func (c *cli) proposalRows(p *directoryv1.Proposal, row render.Row) {
	if p == nil {
		row(c.label("niente da cambiare", "nothing to change"))
		return
	}
	for _, change := range p.GetChanges() {
		summary := c.label("nuova", "new")
		if change.GetBaseRevision() != 0 {
			summary = strings.Join(change.GetChangedFields(), " ")
		}
		row(files.RefOf(change.GetEntry()), summary)
	}
	if p.GetProposalId() != "" {
		row(c.label("proposta", "proposal"), p.GetProposalId(), shortEnum(p.GetState().String()))
		row("→ pari directory approve " + p.GetProposalId() + " --as publisher")
	}
}

func (c *cli) directoryProposalsCmd() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "proposals", Short: "List changes that wait for a second person", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req := &directoryv1.ListProposalsRequest{
				PageSize: maxProposals, State: directoryv1.ProposalState_PROPOSAL_STATE_PENDING,
			}
			if all {
				req.State = directoryv1.ProposalState_PROPOSAL_STATE_UNSPECIFIED
			}
			return c.withDirectoryAsUser(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := firstProposals(ctx, directory, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					row(c.label("PROPOSTA", "PROPOSAL"), c.label("STATO", "STATE"), c.label("VOCI", "ENTRIES"),
						c.label("PERCHÉ", "REASON"))
					for _, p := range resp.GetProposals() {
						row(p.GetProposalId(), shortEnum(p.GetState().String()), len(p.GetChanges()), p.GetReason())
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were decided on")
	return cmd
}

// firstProposals reads pages until it has maxProposals or there are no more. A page of large proposals holds few.
func firstProposals(
	ctx context.Context, directory directoryClient, req *directoryv1.ListProposalsRequest,
) (*directoryv1.ListProposalsResponse, error) {
	all := &directoryv1.ListProposalsResponse{}
	for {
		page, err := directory.ListProposals(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Proposals = append(all.Proposals, page.GetProposals()...)
		req.PageToken, all.NextPageToken = page.GetNextPageToken(), page.GetNextPageToken()
		if req.GetPageToken() == "" || len(all.GetProposals()) >= maxProposals {
			return all, nil
		}
	}
}

func (c *cli) directoryDecideCmd(verb string, decision directoryv1.Decision) *cobra.Command {
	req := &directoryv1.DecideProposalRequest{Decision: decision, Version: 1}
	cmd := &cobra.Command{
		Use: verb + " PROPOSAL", Short: strings.ToUpper(verb[:1]) + verb[1:] + " a proposal of another person",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ProposalId = args[0]
			return c.withDirectoryAsUser(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := send(ctx, c, req, nil, directory.DecideProposal)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					p := resp.GetProposal()
					row(p.GetProposalId(), shortEnum(p.GetState().String()), c.label("revisione", "revision"),
						p.GetRevision())
				})
			})
		},
	}
	cmd.Flags().StringVar(&req.Note, "note", "", "reason, for the person who proposed it")
	requestIDFlag(cmd, &req.RequestId)
	return cmd
}
