package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/cmd/honed/agent"
	"github.com/hone-net/hone/control"
)

func newDump(o *options) *cobra.Command {
	var source source
	var kinds = []string{"ir", "asm", "snapshot", "epochs"}
	chosen := map[string]*bool{}
	c := &cobra.Command{
		Use: "dump [INTERFACE]", Short: "Print programs (as --ir or --asm), the snapshot or the epochs",
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			kind, err := one(kinds, chosen)
			if err != nil {
				return err
			}
			text, err := dump(c.Context(), o, source, kind, append(args, "")[0])
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), map[string]string{kind: text}, func(w io.Writer) { io.WriteString(w, text) })
		},
	}
	for _, kind := range kinds {
		chosen[kind] = c.Flags().Bool(kind, false, "print the "+kind)
	}
	source.flag(c)
	return o.flags(c)
}

// one finds the one flag that is set; without any it is the first.
func one(kinds []string, chosen map[string]*bool) (string, error) {
	found := ""
	for _, kind := range kinds {
		if *chosen[kind] && found != "" {
			return "", usageError{fmt.Errorf("--%s and --%s exclude each other", found, kind)}
		} else if *chosen[kind] {
			found = kind
		}
	}
	if found == "" {
		return kinds[0], nil
	}
	return found, nil
}

func dump(ctx context.Context, o *options, source source, kind, name string) (string, error) {
	if !source.offline() {
		text, err := o.client().Text(ctx, "/v1/dump", url.Values{"kind": {kind}, "interface": {name}})
		if !errors.Is(err, control.ErrNotRunning) || kind == "epochs" {
			return text, err
		}
	}
	s, ao, err := source.read(ctx, o)
	if err != nil {
		return "", err
	}
	return agent.Dump(s, ao, kind, name)
}

func newSnapshot(o *options) *cobra.Command {
	return o.flags(&cobra.Command{
		Use: "snapshot", Short: "Print the configuration that the kernel has now", Args: usage(cobra.NoArgs),
		Long: "Print the configuration of the network namespace as text, read from the kernel now, without honed's programs;\n" +
			"honed need not run. " +
			"hone plan, explain and dump take such a text with --from.",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := control.EnterNetns(o.netns); err != nil {
				return err
			}
			s, err := readLive(c.Context(), o)
			if err != nil {
				return err
			}
			text := s.String()
			return o.show(c.OutOrStdout(), map[string]string{"snapshot": text}, func(w io.Writer) { io.WriteString(w, text) })
		},
	})
}
