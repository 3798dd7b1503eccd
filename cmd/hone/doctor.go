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

func newDoctor(o *options) *cobra.Command {
	return o.flags(&cobra.Command{
		Use: "doctor", Short: "Tell what this machine allows and what stands in the way", Args: usage(cobra.NoArgs),
		Long: "Tell what this machine allows and what stands in the way; also the changes that the kernel does not announce,\n" +
			"how honed notices them and within what time. Exits with 1 if a check fails.",
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := doctor(c.Context(), o)
			if err != nil {
				return err
			}
			if err := o.show(c.OutOrStdout(), d, func(w io.Writer) { printDoctor(w, d) }); err != nil {
				return err
			}
			return failures(d)
		},
	})
}

// doctor asks honed; where it does not run, the machine itself.
func doctor(ctx context.Context, o *options) (d control.Doctor, err error) {
	err = o.client().Get(ctx, "/v1/doctor", nil, &d)
	if !errors.Is(err, control.ErrNotRunning) {
		return d, err
	}
	s, ao, err := new(source).read(ctx, o)
	notRunning := control.Check{Name: "honed", Outcome: control.Warning, Detail: "not running; the epochs are not checked"}
	if err != nil {
		d = agent.Doctor(nil, ao)
		d.Checks = append(d.Checks, control.Check{Name: "configuration", Outcome: control.Failure, Detail: err.Error()})
	} else {
		d = agent.Doctor(s, ao)
	}
	d.Checks = append(d.Checks, notRunning)
	return d, nil
}

func printDoctor(w io.Writer, d control.Doctor) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, c := range d.Checks {
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.Outcome, c.Name, c.Detail)
	}
	t.Flush()
	if len(d.Silent) == 0 {
		return
	}
	fmt.Fprintln(w, "\nChanges that the kernel does not announce:")
	for _, s := range d.Silent {
		fmt.Fprintf(t, "  %s\t%s\twithin %s\n", s.Change, s.Mechanism, s.Bound)
	}
	t.Flush()
}

func failures(d control.Doctor) error {
	n := 0
	for _, c := range d.Checks {
		if c.Outcome == control.Failure {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d checks failed", n)
	}
	return nil
}
