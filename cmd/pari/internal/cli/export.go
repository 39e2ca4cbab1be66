package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// exportFormats maps the names of the command line to the export formats.
var exportFormats = map[string]directoryv1.ExportFormat{
	"hsds":       directoryv1.ExportFormat_EXPORT_FORMAT_HSDS,
	"schema.org": directoryv1.ExportFormat_EXPORT_FORMAT_SCHEMA_ORG,
	"cpsv-ap-it": directoryv1.ExportFormat_EXPORT_FORMAT_CPSV_AP_IT,
	"csv":        directoryv1.ExportFormat_EXPORT_FORMAT_CSV,
	"skos":       directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_TURTLE,
	"skos-json":  directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_JSON_LD,
	"vocabulary": directoryv1.ExportFormat_EXPORT_FORMAT_VOCABULARY_CSV,
	"odihr":      directoryv1.ExportFormat_EXPORT_FORMAT_CROSSWALK_CSV,
	"events":     directoryv1.ExportFormat_EXPORT_FORMAT_EVENTS,
	"courses":    directoryv1.ExportFormat_EXPORT_FORMAT_COURSES,
	"entries":    directoryv1.ExportFormat_EXPORT_FORMAT_ENTRIES_CSV,
}

func (c *cli) directoryExportCmd() *cobra.Command {
	names := slices.Sorted(maps.Keys(exportFormats))
	req := &directoryv1.ExportDirectoryRequest{}
	cmd := &cobra.Command{
		Use: "export FORMAT",
		Short: "Write offices, initiatives, courses, all entries or code lists in an open format: " +
			strings.Join(names, ", "),
		Args: cobra.ExactArgs(1), ValidArgs: names,
		Example: "  pari directory export hsds > directory.json\n  pari directory export vocabulary --list ground",
		RunE: func(cmd *cobra.Command, args []string) error {
			ok := false
			if req.Format, ok = exportFormats[args[0]]; !ok {
				return errorf("%q non è un formato; ci sono %s",
					"%q is no format; there are %s", args[0], strings.Join(names, ", "))
			}
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.ExportDirectory(ctx, req)
				if err != nil {
					return err
				}
				return c.writeDocument(resp.GetContent())
			})
		},
	}
	cmd.Flags().StringVar(&req.Node, "of", "", "only what is of this node")
	cmd.Flags().StringVar(&req.Vocabulary, "list", "", "code list, for the format vocabulary")
	return cmd
}

func (c *cli) directoryPrintCmd() *cobra.Command {
	pdf := false
	cmd := &cobra.Command{
		Use: "print OFFICE", Short: "Write the page of an office, HTML to read or PDF to print",
		Args: cobra.ExactArgs(1),
		Example: "  pari directory print cremona-sportello > sportello.html\n" +
			"  pari directory print cremona-sportello --pdf > sportello.pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				req := &directoryv1.PrintOfficeRequest{OfficeId: args[0], Language: c.lang}
				if pdf {
					req.Format = directoryv1.PrintFormat_PRINT_FORMAT_PDF
				}
				resp, err := directory.PrintOffice(ctx, req)
				if err != nil {
					return err
				}
				return c.writeDocument(resp.GetContent())
			})
		},
	}
	cmd.Flags().BoolVar(&pdf, "pdf", false, "PDF instead of HTML")
	return cmd
}

func (c *cli) directoryCalendarCmd() *cobra.Command {
	req := &directoryv1.GetInitiativeCalendarRequest{}
	cmd := &cobra.Command{
		Use: "calendar [INITIATIVE]", Short: "Write the sessions of initiatives as iCalendar",
		Args:    cobra.MaximumNArgs(1),
		Example: "  pari directory calendar gruppi-di-confronto-2024",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				req.InitiativeId = args[0]
			}
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.GetInitiativeCalendar(ctx, req)
				if err != nil {
					return err
				}
				return c.writeDocument([]byte(resp.GetContent()))
			})
		},
	}
	cmd.Flags().StringVar(&req.Node, "of", "", "only initiatives of this node")
	return cmd
}
