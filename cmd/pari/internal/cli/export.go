package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// formats are the open formats, by the names that people type.
var formats = map[string]directoryv1.ExportFormat{
	"hsds": directoryv1.ExportFormat_EXPORT_FORMAT_HSDS, "schema.org": directoryv1.ExportFormat_EXPORT_FORMAT_SCHEMA_ORG,
	"cpsv-ap-it": directoryv1.ExportFormat_EXPORT_FORMAT_CPSV_AP_IT, "csv": directoryv1.ExportFormat_EXPORT_FORMAT_CSV,
	"skos": directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_TURTLE, "skos-json": directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_JSON_LD,
	"vocabulary": directoryv1.ExportFormat_EXPORT_FORMAT_VOCABULARY_CSV, "odihr": directoryv1.ExportFormat_EXPORT_FORMAT_CROSSWALK_CSV,
}

func (c *cli) directoryExport() *cobra.Command {
	names := slices.Sorted(maps.Keys(formats))
	req := &directoryv1.ExportDirectoryRequest{}
	cmd := &cobra.Command{
		Use: "export FORMAT", Short: "Write offices or code lists in an open format: " + strings.Join(names, ", "), Args: cobra.ExactArgs(1), ValidArgs: names,
		Example: "  pari directory export hsds > directory.json\n  pari directory export vocabulary --list ground",
		RunE: func(cmd *cobra.Command, args []string) error {
			known := false
			if req.Format, known = formats[args[0]]; !known {
				return fmt.Errorf("%q is no format; there are %s", args[0], strings.Join(names, ", "))
			}
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := client.ExportDirectory(ctx, req)
				if err != nil {
					return err
				}
				_, err = c.out.Write(answer.GetContent())
				return err
			})
		},
	}
	cmd.Flags().StringVar(&req.Node, "of", "", "only offices of this node")
	cmd.Flags().StringVar(&req.Vocabulary, "list", "", "code list, for the format vocabulary")
	return cmd
}

func (c *cli) directoryPrint() *cobra.Command {
	pdf := false
	cmd := &cobra.Command{
		Use: "print OFFICE", Short: "Write the page of an office, HTML to read or PDF to print", Args: cobra.ExactArgs(1), Example: "  pari directory print cremona-sportello > sportello.html\n  pari directory print cremona-sportello --pdf > sportello.pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				req := &directoryv1.PrintOfficeRequest{OfficeId: args[0], Language: c.lang}
				if pdf {
					req.Format = directoryv1.PrintFormat_PRINT_FORMAT_PDF
				}
				answer, err := client.PrintOffice(ctx, req)
				if err != nil {
					return err
				}
				_, err = c.out.Write(answer.GetContent())
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&pdf, "pdf", false, "PDF instead of HTML")
	return cmd
}

func (c *cli) directoryCalendar() *cobra.Command {
	req := &directoryv1.GetInitiativeCalendarRequest{}
	cmd := &cobra.Command{
		Use: "calendar [INITIATIVE]", Short: "Write the sessions of initiatives as iCalendar", Args: cobra.MaximumNArgs(1), Example: "  pari directory calendar gruppi-di-confronto-2024",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				req.InitiativeId = args[0]
			}
			return c.inDirectory(cmd, func(ctx context.Context, client directoryv1.DirectoryServiceClient) error {
				answer, err := client.GetInitiativeCalendar(ctx, req)
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(c.out, answer.GetContent())
				return err
			})
		},
	}
	cmd.Flags().StringVar(&req.Node, "of", "", "only initiatives of this node")
	return cmd
}
