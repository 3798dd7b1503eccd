// Command honed reads what the network namespace that it runs in is configured to do, and forwards packets so, early
// and fast; what it does not do exactly as the kernel, it leaves to the kernel.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/cmd/honed/agent"
	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
)

func main() { os.Exit(Main()) }

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a mistake in the flags.
type usageError struct{ error }

// Main runs the program and gives its exit code.
func Main() int {
	var f flags
	err := f.command(func() error { return run(f) }).Execute()
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, "honed:", err)
	if _, usage := err.(usageError); usage {
		return exitUsage
	}
	return exitFailure
}

// flags are the command line.
type flags struct {
	file       string
	interfaces []string
	over       config.Config // what is set here goes before the file
}

// command makes the command line; run is called once the flags are read.
func (f *flags) command(run func() error) *cobra.Command {
	c := &cobra.Command{
		Use: "honed", Short: "Forward packets as the kernel is configured to, faster",
		Version: control.Version, Args: noArguments, SilenceUsage: true, SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error { return run() },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.Flags().StringVar(&f.file, "config", "", "configuration `file` (default "+config.DefaultFile+" if it is there)")
	c.Flags().StringVar(&f.over.Netns, "netns", "", "serve the network namespace `name` (of ip netns, or a path)")
	c.Flags().StringVar(&f.over.Socket, "socket", "", "listen for the command line on this `path` (default below /run/hone, by namespace)")
	c.Flags().StringVar(&f.over.Hook, "hook", "", "where programs run: auto (the default), xdp, xdp-generic or off")
	c.Flags().StringArrayVar(&f.interfaces, "interface", nil, "the hook of one interface, `name[=hook]` (without hook: xdp); may be repeated")
	c.Flags().StringVar(&f.over.Conntrack, "conntrack", "", "packets of tracked connections: established (the default) or exact")
	c.Flags().StringVar(&f.over.Counters, "counters", "", "packets that rules count: delta (the default) or exact")
	c.Flags().StringVar(&f.over.Metrics, "metrics", "", "serve Prometheus metrics on this TCP `address`, too")
	c.Flags().StringVar(&f.over.LogLevel, "log-level", "", "debug, info (the default), warn or error")
	c.CompletionOptions.DisableDefaultCmd = true
	return c
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// config merges the file and the flags.
func (f flags) config() (config.Config, error) {
	c, err := config.Load(f.file)
	if err != nil {
		return c, err
	}
	for _, o := range []struct{ to, from *string }{
		{&c.Netns, &f.over.Netns}, {&c.Socket, &f.over.Socket}, {&c.Hook, &f.over.Hook}, {&c.Conntrack, &f.over.Conntrack}, {&c.Counters, &f.over.Counters},
		{&c.Metrics, &f.over.Metrics}, {&c.LogLevel, &f.over.LogLevel},
	} {
		if *o.from != "" {
			*o.to = *o.from
		}
	}
	for _, i := range f.interfaces {
		if err := c.Interface(i); err != nil {
			return c, usageError{err}
		}
	}
	if err := c.Check(); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

func run(f flags) error {
	c, err := f.config()
	if err != nil {
		return err
	}
	if err := control.EnterNetns(c.Netns); err != nil {
		return err
	}
	if os.Getenv("GOMAXPROCS") == "" {
		// The agent does one thing at a time. More processors would only have the runtime wake its threads for one another:
		// that is most of what an idle agent costs.
		runtime.GOMAXPROCS(1)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // a full table is much to keep twice, and little changes of it
	}
	socket := c.Socket
	if socket == "" {
		socket = control.SocketPath(c.Netns)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	return serve(ctx, c, socket, logger(c.LogLevel))
}

func logger(level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}

// serve runs the agent until the context ends, and detaches everything then.
func serve(ctx context.Context, c config.Config, socket string, log *slog.Logger) (err error) {
	unlock, err := agent.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	a, err := agent.New(ctx, agent.Options{Config: c}, socket, log)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil // a signal, before there was anything to take off
	} else if err != nil {
		return err
	}
	defer func() {
		stopping()
		if closed := a.Close(); err == nil {
			err = closed
		}
	}()
	l, err := agent.Listen(socket)
	if err != nil {
		return err
	}
	if err := a.Recall(); err != nil {
		return errors.Join(err, l.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return agent.Serve(ctx, l, a.Handler()) })
	if c.Metrics != "" {
		tcp, err := listenMetrics(ctx, c.Metrics)
		if err != nil {
			l.Close()
			return fmt.Errorf("honed: metrics: %w", err)
		}
		group.Go(func() error { return agent.ServeMetrics(ctx, tcp, a.Metrics()) })
	}
	group.Go(func() error { return watchdog(ctx, a.Alive) })
	group.Go(func() error {
		err := control.AwaitNetnsGone(ctx, c.Netns)
		if err != nil && !errors.Is(err, control.ErrNetnsGone) {
			log.Warn("nobody tells when the network namespace is deleted", "error", err)
			return nil
		}
		return err
	})
	a.Ready(ready)
	group.Go(func() error { return a.Run(ctx) })
	log.Info("honed", "version", control.Version, "netns", control.NetnsName(), "socket", socket)
	return group.Wait()
}

// listenMetrics listens on an address that the host may not have yet: honed starts before the network is configured, and the
// loopback interface of a namespace has none before it is up.
func listenMetrics(ctx context.Context, address string) (net.Listener, error) {
	c := net.ListenConfig{Control: func(network, _ string, raw syscall.RawConn) (err error) {
		level, option := unix.SOL_IP, unix.IP_FREEBIND
		if strings.HasSuffix(network, "6") {
			level, option = unix.SOL_IPV6, unix.IPV6_FREEBIND
		}
		if failed := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, option, 1) }); failed != nil {
			return failed
		}
		return err
	}}
	return c.Listen(ctx, "tcp", address)
}
