package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/cmd/hone/bench"
)

// errNotRoot says that a lab cannot be built.
var errNotRoot = errors.New("needs root: it builds a lab of network namespaces")

func newBench(*options) *cobra.Command {
	var b bench.Options
	c := &cobra.Command{
		Use: "bench [case ...]", Short: "Measure hone against the kernel in a lab of network namespaces",
		Args: usage(func(_ *cobra.Command, names []string) error { return bench.Known(names) }),
		RunE: func(c *cobra.Command, names []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			if b.Runs < 1 || b.Time < time.Second {
				return usageError{errors.New("--runs must be at least 1, --time at least 1s")}
			}
			b.Out, b.Log = c.OutOrStdout(), c.ErrOrStderr()
			return bench.Run(c.Context(), b, names)
		},
	}
	c.Long = c.Short + ".\nThe caller's own interfaces are not touched.\n\nCases:\n" + benchCases()
	c.Flags().BoolVarP(&b.JSON, "json", "j", false, "print one JSON document")
	c.Flags().IntVar(&b.Runs, "runs", 3, "turns of every subject")
	c.Flags().DurationVar(&b.Time, "time", 40*time.Second, "about how long a case takes")
	return c
}

func benchCases() string {
	var text strings.Builder
	width := 0
	for _, c := range bench.Cases() {
		width = max(width, len(c.Name))
	}
	for _, c := range bench.Cases() {
		fmt.Fprintf(&text, "  %-*s %s\n", width, c.Name, c.Doc)
	}
	return text.String()
}

func newDemo(*options) *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Show the kernel against hone, live, in a lab of network namespaces",
		Long: "Show the kernel against hone, live, in a lab of network namespaces.\nThe caller's own interfaces are not touched. Needs root.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			return bench.Demo(c.Context(), c.OutOrStdout())
		},
	}
}
