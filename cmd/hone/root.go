package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
)

// options are the flags that every command has.
type options struct {
	netns  string
	socket string
	json   bool
}

// newRoot makes the command line. The order is that of the help text.
func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use: "hone", Short: "Show and steer the fast path of this host", Version: control.Version,
		SilenceUsage: true, SilenceErrors: true,
		Long: "Show and steer the fast path of this host.\n\n" +
			"Exit codes: 0 done, 1 failed, 2 wrong command line, 3 honed is not running, 130 interrupted.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&o.netns, "netns", "", "the network namespace `name` (of ip netns, or a path)")
	root.PersistentFlags().StringVar(&o.socket, "socket", "", "honed's control socket `path` (default: the namespace's)")
	for _, c := range []func(*options) *cobra.Command{
		newStatus, newExplain, newRuleset, newConnections, newPlan, newDump, newSnapshot, newMonitor, newDoctor, newEnable, newDisable,
	} {
		about := c(o)
		about.PreRunE = o.follow
		root.AddCommand(about)
	}
	root.AddCommand(newDemo(o), newBench(o), newVersion(o))
	return root
}

// follow takes which honed is meant, where nothing on the command line or in the environment says so, from honed's
// configuration. In a namespace that is neither the first nor the one named there, the default file is not about the honed
// of this namespace, which may have another.
func (o *options) follow(c *cobra.Command, _ []string) error {
	if o.netns != "" || o.socket != "" || os.Getenv("HONE_SOCKET") != "" {
		return nil
	}
	file := ""
	if f := c.Flags().Lookup("config"); f != nil {
		file = f.Value.String()
	}
	netns, socket, err := config.Place(file)
	if err != nil {
		return err
	}
	if file != "" || control.NetnsName() == "" || control.InNetns(netns) {
		o.netns, o.socket = netns, socket
	}
	return nil
}

// flags adds the flag of the commands that print documents.
func (o *options) flags(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVarP(&o.json, "json", "j", false, "print JSON")
	return c
}

// usage makes a mistake in the arguments one of the command line.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// client talks to the namespace's honed.
func (o *options) client() *control.Client { return control.NewClient(o.socketPath()) }

// socketPath is where the namespace's honed listens.
func (o *options) socketPath() string {
	if o.socket != "" {
		return o.socket
	}
	return control.SocketPath(o.netns)
}

// show prints a document, as JSON or by text.
func (o *options) show(w io.Writer, document any, text func(io.Writer)) error {
	if !o.json {
		text(w)
		return nil
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
