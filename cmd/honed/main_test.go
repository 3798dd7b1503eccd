package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hone-net/hone/cmd/honed/config"
)

// parsed gives what a command line leads to, without running it.
func parsed(t *testing.T, args ...string) (flags, error) {
	t.Helper()
	var f flags
	c := f.command(func() error { return nil })
	c.SetArgs(args)
	c.SetOut(io.Discard)
	err := c.Execute()
	return f, err
}

func TestFlagsGoBeforeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "honed.toml")
	text := "hook = \"off\"\nlog-level = \"warn\"\n[interface]\neth0 = \"xdp\"\neth1 = \"off\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := parsed(t, "--config", file, "--hook", "xdp-generic", "--interface", "eth1", "--interface=eth2=auto")
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.config()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"eth0": "xdp", "eth1": "xdp", "eth2": "auto", "eth3": "xdp-generic"} {
		if got := c.HookOf(name); got != want {
			t.Errorf("hook of %s: %s, want %s", name, got, want)
		}
	}
	if c.LogLevel != "warn" {
		t.Errorf("log level %s", c.LogLevel)
	}
}

func TestWrongCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"--hook tc":            `hook: "tc"`,
		"--interface eth0=tc":  `interface eth0: "tc"`,
		"--log-level loud":     `log-level: "loud"`,
		"--metrics 9477":       "metrics:",
		"--fast":               "unknown flag: --fast",
		"eth0":                 `unexpected argument "eth0"`,
		"--interface a/b=auto": `"a/b" is not an interface name`,
	} {
		f, err := parsed(t, strings.Fields(line)...)
		if err == nil {
			_, err = f.config()
		}
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// TestManual looks for each flag in the manual, and for each key of the file.
func TestManual(t *testing.T) {
	manual := func(name string) string {
		text, err := os.ReadFile("../../packaging/man/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), `\-`, "-")
	}
	page, keys := manual("honed.8"), manual("honed.toml.5")
	synopsis, options, _ := strings.Cut(page, ".SH DESCRIPTION")
	var f flags
	for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(f.command(nil).Flags().FlagUsages(), -1) {
		if !strings.Contains(synopsis, flag) || !strings.Contains(options, flag) {
			t.Errorf("%s is not in honed(8)", flag)
		}
	}
	kind := reflect.TypeFor[config.Config]()
	for i := range kind.NumField() {
		if key := kind.Field(i).Tag.Get("toml"); !strings.Contains(keys, ".B "+key+"\n") && !strings.Contains(keys, ".B ["+key+"]\n") {
			t.Errorf("%s is not in honed.toml(5)", key)
		}
	}
}

// TestManualPagesAreWellFormed asks mandoc, where it is installed.
func TestManualPagesAreWellFormed(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("no mandoc")
	}
	for _, page := range []string{"hone.1", "honed.8", "honed.toml.5"} {
		if out, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", "../../packaging/man/"+page).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}

// manager is a service manager's socket.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	return c
}

func hears(t *testing.T, c *net.UnixConn, want string) {
	t.Helper()
	b := make([]byte, 1000)
	n, err := c.Read(b)
	if err != nil || !strings.Contains(string(b[:n]), want) {
		t.Errorf("heard %q (%v), want %q", b[:n], err, want)
	}
}

func TestServiceManager(t *testing.T) {
	c := manager(t)
	ready("1 of 2")
	hears(t, c, "READY=1\nSTATUS=1 of 2")
	stopping()
	hears(t, c, "STOPPING=1")
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "")
	os.Unsetenv("WATCHDOG_PID")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- watchdog(ctx, func() {}) }()
	hears(t, c, "WATCHDOG=1")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWatchdogKeepsSilentWhenTheAgentHangs(t *testing.T) {
	c := manager(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	ctx, cancel := context.WithCancel(context.Background())
	hang := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- watchdog(ctx, func() { <-hang }) }()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := c.Read(make([]byte, 100)); err == nil {
		t.Errorf("heard %d bytes of an agent that hangs", n)
	}
	cancel()
	close(hang)
	<-done
}
