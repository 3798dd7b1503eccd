package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/control"
)

func newStatus(o *options) *cobra.Command {
	return o.flags(&cobra.Command{
		Use: "status", Short: "Show what is on the fast path and what is not, and why", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var s control.Status
			if err := o.client().Get(c.Context(), "/v1/status", nil, &s); err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), s, func(w io.Writer) { printStatus(w, s) })
		},
	})
}

func printStatus(w io.Writer, s control.Status) {
	fmt.Fprintf(w, "honed %s, process %d", s.Version, s.PID)
	if s.Netns != "" {
		fmt.Fprintf(w, ", namespace %s", s.Netns)
	}
	fmt.Fprintf(w, ": %d routes, %d neighbours%s, last change took %s\n", s.Tables.Routes, s.Tables.Neighbours, rulesOf(s.Tables), s.Agent.Last)
	if !s.Coherent {
		fmt.Fprintln(w, "catching up with a change of the configuration")
	}
	if s.Disabled {
		fmt.Fprintln(w, "switched off by hone disable")
	}
	if s.Agent.Error != "" {
		fmt.Fprintln(w, "trouble:", s.Agent.Error)
	}
	if s.Agent.Simple != "" {
		fmt.Fprintln(w, s.Agent.Simple)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "INTERFACE\tSTATE\tPROGRAM\tFAST\tLIVE\tTO KERNEL\tWHY")
	for _, i := range s.Interfaces {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", i.Name, i.State, programCells(i), why(i))
	}
	t.Flush()
}

// rulesOf tells of the ruleset, and of what bridges know, where there is one.
func rulesOf(t control.Tables) (text string) {
	if t.Rules > 0 {
		text = fmt.Sprintf(", %d rules", t.Rules)
	}
	if t.Entries > 0 {
		text += fmt.Sprintf(", %d entries of bridges", t.Entries)
	}
	return text
}

func programCells(i control.Interface) string {
	if i.Program == nil || i.Counters == nil {
		return "-\t-\t-\t-"
	}
	return fmt.Sprintf("%s, %d instructions\t%d\t%d\t%d", i.Mode, i.Program.Instructions, i.Counters.Fast, i.Counters.Live,
		i.Counters.Punted())
}

// why says why an interface is not fast or, of one that is, why packets went to the kernel: the most frequent Reasons.
func why(i control.Interface) string {
	if i.Reason != "" {
		return strings.TrimSuffix(i.Reason+": "+i.Detail, ": ")
	}
	if i.Detail != "" || i.Counters == nil {
		return i.Detail
	}
	punts := i.Counters.Punts
	byCount := func(x, y string) int { return cmp.Or(cmp.Compare(punts[y], punts[x]), cmp.Compare(x, y)) }
	var words []string
	for _, reason := range slices.SortedFunc(maps.Keys(punts), byCount) {
		words = append(words, fmt.Sprintf("%s %d", reason, punts[reason]))
	}
	if len(words) > 4 {
		words = append(words[:4], "...")
	}
	return strings.TrimPrefix(strings.Join(words, ", ")+left(i.Left), "; ")
}
