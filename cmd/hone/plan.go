package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/cmd/honed/agent"
	"github.com/hone-net/hone/control"
)

func newPlan(o *options) *cobra.Command {
	var source source
	c := &cobra.Command{
		Use: "plan", Short: "Tell what would be accelerated, what not, and why; changes nothing", Args: usage(cobra.NoArgs),
		Long: "Tell what honed would accelerate, what not, and why. Nothing is changed, and honed need not run.\n" +
			"Where honed runs and no flag asks for another configuration, the plan is honed's own.",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := plan(c.Context(), o, source)
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), p, func(w io.Writer) { printPlan(w, p) })
		},
	}
	source.flag(c)
	return o.flags(c)
}

func plan(ctx context.Context, o *options, source source) (p control.Plan, err error) {
	if !source.offline() {
		err = o.client().Get(ctx, "/v1/plan", nil, &p)
		if !errors.Is(err, control.ErrNotRunning) {
			return p, err
		}
	}
	s, ao, err := source.read(ctx, o)
	if err != nil {
		return p, err
	}
	return agent.Plan(s, ao), nil
}

// left says which families are the kernel's, of those that somebody may miss.
func left(families []control.Left) string {
	text := ""
	for _, l := range families {
		if !l.Idle() {
			text += fmt.Sprintf("; %s by the kernel: %s: %s", l.Family, l.Reason, l.Detail)
		}
	}
	return text
}

func printPlan(w io.Writer, p control.Plan) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "INTERFACE\tPLAN\tWHY")
	for _, i := range p.Interfaces {
		if i.Accelerate {
			fmt.Fprintf(t, "%s\taccelerate\t%s, %d instructions%s\n", i.Name, i.Mode, i.Instructions, left(i.Left))
		} else {
			fmt.Fprintf(t, "%s\tkernel\t%s: %s\n", i.Name, i.Reason, i.Detail)
		}
	}
	t.Flush()
	fmt.Fprintf(w, "%d routes, %d neighbours%s, %d KiB of tables\n", p.Tables.Routes, p.Tables.Neighbours, rulesOf(p.Tables), p.Tables.Bytes>>10)
}
