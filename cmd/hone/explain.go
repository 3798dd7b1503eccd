package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/cmd/honed/agent"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/control/packet"
)

func newExplain(o *options) *cobra.Command {
	var source source
	var trace bool
	c := &cobra.Command{
		Use: "explain PACKET", Short: "Tell what becomes of a packet, and why", Args: usage(describes),
		Long: "Tell what becomes of a packet: on which path, by which route and neighbour, by which check, and which rules of the\n" +
			"ruleset it meets.\n\n" +
			"The packet is described in words, which a shell wants quoted; what is left out is chosen so that the packet is valid:\n\n" +
			"  iif NAME [eth MAC > MAC] [vlan N] [tag N] ip ADDRESS > ADDRESS [udp|tcp|icmp|proto N] [sport N] [dport N]\n" +
			"           [ttl N] [tos N] [len N] [id N] [df|nodf|mf] [offset N] [options N] [badsum] [type N] [established]\n" +
			"  iif NAME [eth MAC > MAC] [vlan N] [tag N] ip6 ADDRESS > ADDRESS [udp|tcp|icmp|proto N] [sport N] [dport N]\n" +
			"           [hoplimit N] [tos N] [flow N] [len N] [type N] [established]\n" +
			"  iif NAME hex BYTES\n\n" +
			"A VLAN tag may stand in the frame (tag), or beside it, as on a veth (vlan). The type is an ethertype, len the length\n" +
			"with the IP header; offset and options are bytes.",
		Example: "  hone explain 'iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 3'",
		RunE: func(c *cobra.Command, args []string) error {
			x, err := explain(c, o, source, strings.Join(args, " "))
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), x, func(w io.Writer) { printExplanation(w, x, trace) })
		},
	}
	c.Flags().BoolVar(&trace, "trace", false, "print every rule and the program's steps, too")
	source.flag(c)
	return o.flags(c)
}

// describes wants a packet.
func describes(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("requires a packet")
	}
	_, err := packet.Parse(strings.Join(args, " "))
	return err
}

func explain(c *cobra.Command, o *options, source source, description string) (x control.Explanation, err error) {
	if !source.offline() {
		err = o.client().Post(c.Context(), "/v1/explain", url.Values{"packet": {description}}, &x)
		return x, err
	}
	s, ao, err := source.read(c.Context(), o)
	if err != nil {
		return x, err
	}
	return agent.Explain(s, ao, description)
}

func printExplanation(w io.Writer, x control.Explanation, trace bool) {
	switch {
	case x.Path == "kernel":
		fmt.Fprintf(w, "left to the kernel: %s: %s\n", x.Reason, x.Detail)
	case x.Out == "":
		fmt.Fprintf(w, "%s path: %s\n", x.Path, x.Detail)
	default:
		fmt.Fprintf(w, "%s path: leaves by %s\n", x.Path, x.Out)
	}
	for _, line := range [][2]string{{"route", x.Route}, {"neighbour", x.Neighbour}, {"bridge", x.Bridge}, {"arrives", x.Before}, {"leaves", x.After},
		{"tracking", x.Tracking}, {"ruleset", x.Ruleset}} {
		if line[1] != "" {
			fmt.Fprintf(w, "  %-9s  %s\n", line[0], line[1])
		}
	}
	printVisits(w, x.Rules, trace)
	if !trace {
		return
	}
	for _, step := range x.Trace {
		fmt.Fprintln(w, "    "+step)
	}
}
