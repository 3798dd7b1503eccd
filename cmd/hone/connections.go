package main

import (
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/control"
)

func newConnections(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "connections", Short: "Print the tracked connections with the packets that programs have counted", Args: usage(cobra.NoArgs),
		Long: "Print the tracked connections as conntrack -L -o extended does. Where the kernel counts their packets and bytes\n" +
			"(sysctl net.netfilter.nf_conntrack_acct), these are the sums of what the kernel and honed's programs have counted.\n" +
			"It runs conntrack, and honed has to run.",
		RunE: func(c *cobra.Command, _ []string) error {
			var a control.Accounts
			if err := o.client().Get(c.Context(), "/v1/accounts", nil, &a); err != nil {
				return err
			}
			lines, err := entries(a.PID)
			if err != nil {
				return err
			}
			return o.connections(c.OutOrStdout(), newAccounts(a.Connections), lines)
		},
	}
	return o.flags(c)
}

// entries are the lines of conntrack for the namespace of a process.
func entries(pid int) (lines []string, err error) {
	for _, family := range []string{"ipv4", "ipv6"} {
		text, err := tool(pid, "conntrack", "connections", "-L", "-f", family, "-o", "extended")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines, nil
}

func (o *options) connections(w io.Writer, all accounts, lines []string) error {
	documents := []map[string]any{}
	for i := range lines {
		lines[i] = all.add(lines[i])
		if o.json {
			documents = append(documents, document(lines[i]))
		}
	}
	return o.show(w, map[string]any{"connections": documents}, func(w io.Writer) {
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
	})
}

// ends is what tells connections from each other: protocol, and the addresses and ports of the first packet.
type ends struct {
	protocol     uint8
	source, dest netip.AddrPort
}

// accounts is what is to be added to the counts of connections.
type accounts map[ends]control.Account

func newAccounts(all []control.Account) accounts {
	a := accounts{}
	for _, one := range all {
		a[ends{one.Protocol, one.Source, one.Destination}] = one
	}
	return a
}

var entryCounts = regexp.MustCompile(`\b(packets|bytes)=([0-9]+)`)

// add adds to the counts of a line of conntrack; those of the first direction come first. Connections of zones are none of ours.
func (a accounts) add(line string) string {
	one, ok := a[endsOf(line)]
	if !ok || strings.Contains(line, " zone") {
		return line
	}
	sums, n := []uint64{one.Original.Packets, one.Original.Bytes, one.Reply.Packets, one.Reply.Bytes}, 0
	return entryCounts.ReplaceAllStringFunc(line, func(text string) string {
		name, digits, _ := strings.Cut(text, "=")
		if n == len(sums) {
			return text
		}
		n++
		return name + "=" + strconv.FormatUint(number(digits)+sums[n-1], 10)
	})
}

// endsOf reads the first tuple of a line.
func endsOf(line string) (e ends) {
	words := strings.Fields(line)
	if len(words) < 4 {
		return e
	}
	first := map[string]string{}
	for _, word := range words[4:] {
		if name, value, ok := strings.Cut(word, "="); ok && first[name] == "" {
			first[name] = value
		}
	}
	at := func(addr, port string) netip.AddrPort {
		a, _ := netip.ParseAddr(first[addr])
		return netip.AddrPortFrom(a, uint16(number(first[port])))
	}
	return ends{uint8(number(words[3])), at("src", "sport"), at("dst", "dport")}
}

// document is a line as JSON: family, protocol and its number, what is left of its time in seconds and its state where it has
// them, two tuples, flags, and what else has a name.
func document(line string) map[string]any {
	words := strings.Fields(line)
	if len(words) < 4 {
		return map[string]any{}
	}
	d := map[string]any{"family": words[0], "protocol": words[2], "number": number(words[3])}
	tuples, flags := []map[string]any{}, []string{}
	for _, word := range words[4:] {
		name, text, named := strings.Cut(word, "=")
		value := any(text)
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			value = n
		}
		switch {
		case named && name == "src":
			tuples = append(tuples, map[string]any{name: value})
		case named && len(tuples) > 0 && inTuple[name]:
			tuples[len(tuples)-1][name] = value
		case named:
			d[name] = value
		case strings.HasPrefix(word, "["):
			flags = append(flags, strings.Trim(word, "[]"))
		default:
			if n, err := strconv.ParseUint(word, 10, 64); err == nil {
				d["timeout"] = n
			} else {
				d["state"] = word
			}
		}
	}
	for i, tuple := range tuples {
		if i < 2 {
			d[[]string{"original", "reply"}[i]] = tuple
		}
	}
	d["flags"] = flags
	return d
}

// inTuple are the names that belong to a direction.
var inTuple = map[string]bool{"dst": true, "sport": true, "dport": true, "type": true, "code": true, "id": true, "srckey": true,
	"dstkey": true, "packets": true, "bytes": true}
