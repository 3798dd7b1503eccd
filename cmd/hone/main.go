// Command hone shows and steers honed: what is on the fast path, what becomes of a packet and why, what would be done.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hone-net/hone/control"
)

// Exit codes, for scripts.
const (
	exitOK          = 0
	exitFailure     = 1   // the command failed
	exitUsage       = 2   // the command line is wrong
	exitNotRunning  = 3   // honed does not run, and the command needs it
	exitInterrupted = 130 // by Ctrl-C, as shells count it
)

// usageError is a mistake in the command line.
type usageError struct{ error }

func main() { os.Exit(Main()) }

// Main runs the program and gives its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(longFlags(os.Args[1:]))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	fmt.Fprintln(os.Stderr, "hone:", err)
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, control.ErrNotRunning):
		return exitNotRunning
	}
	return exitFailure
}

// longFlags lets long flags be written with one dash, too. Short ones have one letter, and are never put together.
func longFlags(args []string) []string {
	both := make([]string, len(args))
	for i, a := range args {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' && a[2] != '=' {
			a = "-" + a
		}
		both[i] = a
	}
	return both
}
