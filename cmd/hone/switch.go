package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/control"
)

func newEnable(o *options) *cobra.Command {
	return o.flags(&cobra.Command{
		Use: "enable [INTERFACE]", Short: "Switch the fast path on again, of an interface or of all",
		Long: "Switch the fast path on again, of an interface or of all. Without an interface it takes back all that was disabled;\n" +
			"with one, it does not end a disable of all.",
		Args: usage(cobra.MaximumNArgs(1)), RunE: o.switching("enable", control.Switched.Enable),
	})
}

func newDisable(o *options) *cobra.Command {
	return o.flags(&cobra.Command{
		Use: "disable [INTERFACE]", Short: "Give an interface, or all, back to the kernel",
		Long: "Give an interface, or all, back to the kernel, until hone enable. It holds for a honed that is started later, too,\n" +
			"until the machine is restarted.",
		Args: usage(cobra.MaximumNArgs(1)), RunE: o.switching("disable", control.Switched.Disable),
	})
}

type switcher func(s control.Switched, name string) control.Switched

func (o *options) switching(verb string, change switcher) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		s, err := o.flip(c.Context(), verb, append(args, "")[0], change)
		if err != nil {
			return err
		}
		return o.show(c.OutOrStdout(), s, func(w io.Writer) { fmt.Fprintln(w, switchedText(s)) })
	}
}

// flip asks honed; where it does not run, it leaves word for the next one, which may have begun to listen meanwhile.
func (o *options) flip(ctx context.Context, verb, name string, change switcher) (s control.Switched, err error) {
	err = o.client().Post(ctx, "/v1/"+verb, url.Values{"interface": {name}}, &s)
	if !errors.Is(err, control.ErrNotRunning) {
		return s, err
	}
	path := control.SwitchPath(o.socketPath())
	if s, err = control.LoadSwitched(path); err != nil {
		return s, err
	}
	s = change(s, name)
	if err := s.Save(path); err != nil {
		return s, err
	}
	var now control.Switched
	if o.client().Post(ctx, "/v1/"+verb, url.Values{"interface": {name}}, &now) == nil {
		s = now
	}
	return s, nil
}

func switchedText(s control.Switched) string {
	switch {
	case s.Disabled:
		return "everything is left to the kernel"
	case len(s.Interfaces) > 0:
		return "left to the kernel: " + strings.Join(s.Interfaces, ", ")
	}
	return "nothing is switched off"
}

func newVersion(o *options) *cobra.Command {
	return o.flags(&cobra.Command{
		Use: "version", Short: "Print the version", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			v := map[string]string{"version": control.Version}
			return o.show(c.OutOrStdout(), v, func(w io.Writer) { fmt.Fprintln(w, "hone", control.Version) })
		},
	})
}
