package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// bindDir is where iproute2 looks for the namespaces that have names.
const bindDir = "/run/netns"

// Namespace is a network namespace. It lives until Close, or until the process ends.
type Namespace struct {
	file  *os.File
	bound string
}

// New makes a network namespace with loopback up and without IPv6. The calling thread stays where it is.
func New() (*Namespace, error) {
	type result struct {
		file *os.File
		err  error
	}
	made := make(chan result)
	go func() {
		// The thread is not unlocked, so that it ends with the goroutine instead of serving others in the namespace.
		runtime.LockOSThread()
		file, err := unshare()
		made <- result{file, err}
	}()
	r := <-made
	if r.err != nil {
		return nil, fmt.Errorf("lab: make namespace: %w", r.err)
	}
	return &Namespace{file: r.file}, nil
}

func unshare() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	for _, dir := range []string{"all", "default"} {
		path := "/proc/sys/net/ipv6/conf/" + dir + "/disable_ipv6"
		if err := os.WriteFile(path, []byte("1"), 0); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	if err := setFlags("lo", unix.IFF_UP); err != nil {
		return nil, err
	}
	return os.Open("/proc/thread-self/ns/net")
}

// FD is the descriptor of the namespace.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Bind gives the namespace a name that `ip netns` knows, until Close.
func (n *Namespace) Bind(name string) error {
	if err := os.MkdirAll(bindDir, 0o755); err != nil {
		return fmt.Errorf("lab: bind namespace %s: %w", name, err)
	}
	path := filepath.Join(bindDir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o444)
	if err != nil {
		return fmt.Errorf("lab: bind namespace %s: %w", name, err)
	}
	f.Close()
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", n.FD()), path, "", unix.MS_BIND, ""); err != nil {
		os.Remove(path)
		return fmt.Errorf("lab: bind namespace %s: %w", name, err)
	}
	n.bound = path
	return nil
}

// Do runs f on a thread that is in the namespace. Goroutines that f starts are elsewhere.
func (n *Namespace) Do(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("lab: enter namespace: %w", err)
	}
	defer home.Close()
	if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("lab: enter namespace: %w", err)
	}
	defer func() {
		// A thread that cannot go home stays locked: the runtime ends it with the goroutine.
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back == nil {
			runtime.UnlockOSThread()
		} else if err == nil {
			err = fmt.Errorf("lab: leave namespace: %w", back)
		}
	}()
	return f()
}

// Start starts a command line in the namespace; words are separated by spaces, there is no quoting. Prepare, which may be
// nil, sees the command before.
func (n *Namespace) Start(line string, prepare func(*exec.Cmd)) (*exec.Cmd, error) {
	c, err := command(line)
	if err != nil {
		return nil, err
	}
	if prepare != nil {
		prepare(c)
	}
	if err := n.Do(c.Start); err != nil {
		return nil, fmt.Errorf("lab: start %s: %w", line, err)
	}
	return c, nil
}

// Run runs command lines in the namespace, one after the other, until one fails.
func (n *Namespace) Run(lines ...string) error {
	for _, line := range lines {
		if _, err := n.Output(line); err != nil {
			return err
		}
	}
	return nil
}

// Output gives what a command line prints in the namespace. The error of one that fails quotes what it said.
func (n *Namespace) Output(line string) (string, error) {
	c, err := command(line)
	if err != nil {
		return "", err
	}
	var out []byte
	if err := n.Do(func() (err error) { out, err = c.CombinedOutput(); return err }); err != nil {
		return string(out), fmt.Errorf("lab: run %s: %w: %s", line, err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Batch hands lines to one `ip -batch`.
func (n *Namespace) Batch(lines []string) error {
	return n.Feed("ip -batch -", strings.Join(lines, "\n")+"\n")
}

// Feed runs a command line in the namespace that reads a text.
func (n *Namespace) Feed(line, text string) error {
	c, err := command(line)
	if err != nil {
		return err
	}
	c.Stdin = strings.NewReader(text)
	var out []byte
	if err := n.Do(func() (err error) { out, err = c.CombinedOutput(); return err }); err != nil {
		return fmt.Errorf("lab: run %s with %d lines: %w: %s", line, strings.Count(text, "\n"), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Sysctl writes a value below /proc/sys/net, such as "ipv4/ip_forward".
func (n *Namespace) Sysctl(path, value string) error {
	return n.Do(func() error {
		if err := os.WriteFile("/proc/sys/net/"+path, []byte(value), 0); err != nil {
			return fmt.Errorf("lab: set sysctl %s=%s: %w", path, value, err)
		}
		return nil
	})
}

// Close lets go of the namespace. The kernel takes it apart when nothing uses it any more.
func (n *Namespace) Close() error {
	if n == nil || n.file == nil {
		return nil
	}
	if n.bound != "" {
		unix.Unmount(n.bound, unix.MNT_DETACH)
		os.Remove(n.bound)
	}
	err := n.file.Close()
	n.file = nil
	return err
}

func command(line string) (*exec.Cmd, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, fmt.Errorf("lab: run %q: no command", line)
	}
	return exec.Command(words[0], words[1:]...), nil
}
