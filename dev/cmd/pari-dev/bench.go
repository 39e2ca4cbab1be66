package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/dev/bench"
)

func (a *app) benchCmd() *cobra.Command {
	var show, profile string
	cmd := &cobra.Command{
		Use: "bench [NAME...]", Short: "Measure Pari beside a baseline in the same run",
		Long: "Measures on a network of its own, which it starts and stops: " +
			strings.Join(bench.Names(), ", ") + ".",
		ValidArgs: bench.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			var results []bench.Result
			var err error
			if show != "" {
				results, err = readResults(show)
			} else {
				results, err = a.measure(cmd.Context(), args, profile)
			}
			if err != nil {
				return err
			}
			if a.format == "json" {
				return bench.Write(a.out, results)
			}
			return bench.Show(a.out, results)
		},
	}
	cmd.Flags().StringVar(&show, "show", "", "show the results in this file, measure nothing")
	cmd.Flags().StringVar(&profile, "cpuprofile", "", "write a CPU profile of the whole run here, for go tool pprof")
	return cmd
}

func (a *app) measure(ctx context.Context, names []string, profile string) ([]bench.Result, error) {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	return bench.Run(ctx, names, a.printProgress)
}

func readResults(path string) ([]bench.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	defer func() { _ = f.Close() }()
	return bench.Read(f)
}
