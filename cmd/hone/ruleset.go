package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
)

func newRuleset(o *options) *cobra.Command {
	var handles bool
	c := &cobra.Command{
		Use: "ruleset", Short: "Print the nftables ruleset with the packets that programs have counted", Args: usage(cobra.NoArgs),
		Long: "Print the ruleset as nft list ruleset does. Counters of rules and named counters are the sums of what the kernel\n" +
			"and honed's programs have counted. It runs nft, and honed has to run.",
		RunE: func(c *cobra.Command, _ []string) error {
			var t control.Tallies
			if err := o.client().Get(c.Context(), "/v1/tallies", nil, &t); err != nil {
				return err
			}
			text, err := ruleset(o, newSums(t.Counters), t.PID, handles)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
	c.Flags().BoolVarP(&handles, "handle", "a", false, "print handles, too")
	return o.flags(c)
}

// ruleset is what nft says of the namespace of a process, with sums.
func ruleset(o *options, s sums, pid int, handles bool) ([]byte, error) {
	if o.json {
		text, err := nft(pid, "-j", "list", "ruleset")
		if err != nil {
			return nil, err
		}
		return s.addJSON(text)
	}
	text, err := nft(pid, "-a", "list", "ruleset")
	if err != nil {
		return nil, err
	}
	return s.addText(text, handles), nil
}

// nft runs nft in the network namespace of a process.
func nft(pid int, args ...string) ([]byte, error) {
	return tool(pid, "nft", "the ruleset", args...)
}

// tool runs a program that prints something in the network namespace of a process.
func tool(pid int, name, what string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("%s is not installed: it is what prints %s", name, what)
	}
	var out, failure bytes.Buffer
	command := exec.Command(path, args...)
	command.Stdout, command.Stderr = &out, &failure
	if err := runIn(fmt.Sprintf("/proc/%d/ns/net", pid), command); err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(failure.String()))
	}
	return out.Bytes(), nil
}

// runIn runs a command in a network namespace. It inherits that of the thread, which ends with its goroutine.
func runIn(path string, c *exec.Cmd) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- enterAnd(path, c.Run)
	}()
	return <-result
}

func enterAnd(path string, f func() error) error {
	ns, err := os.Open(path)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter %s: %w", path, err)
	}
	return f()
}
