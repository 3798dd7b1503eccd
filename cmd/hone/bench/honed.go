package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hone-net/hone/control"
	"golang.org/x/sys/unix"
)

// daemon is a honed in the router's namespace.
type daemon struct {
	cmd    *exec.Cmd
	client *control.Client
	dir    string
	log    bytes.Buffer
}

// program finds honed: HONE_HONED, beside this program, or in the path.
func program() (string, error) {
	if path := os.Getenv("HONE_HONED"); path != "" {
		return filepath.Abs(path)
	}
	if own, err := os.Executable(); err == nil {
		if path := filepath.Join(filepath.Dir(own), "honed"); exists(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath("honed")
	if err != nil {
		return "", fmt.Errorf("bench: find honed: %w", err)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// honeSubject is honed on every port.
var honeSubject = subject{name: "hone", start: func(r *rig) (func() error, error) {
	d, err := r.honed()
	if err != nil {
		return nil, err
	}
	return d.stop, nil
}}

// honed starts the agent in the router and waits until every port is fast.
func (r *rig) honed() (*daemon, error) {
	d, err := r.launch()
	if err != nil {
		return nil, err
	}
	if err := d.settle(len(r.Ports), 10*time.Second); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

// launch starts the agent and does not wait.
func (r *rig) launch() (*daemon, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hone-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: start honed: %w", err)
	}
	d := &daemon{dir: dir, client: control.NewClient(filepath.Join(dir, "honed.sock"))}
	d.cmd, err = r.R.Start(commandLine(path, filepath.Join(dir, "honed.sock")), func(c *exec.Cmd) { c.Stdout, c.Stderr = &d.log, &d.log })
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	launched.add(d)
	return d, nil
}

// commandLine starts an agent that heeds no configuration of the host: what that says of a namespace, or of interfaces, is
// not about the lab.
func commandLine(honed, socket string) string {
	return honed + " --config /dev/null --hook xdp --socket " + socket
}

// status asks the agent.
func (d *daemon) status() (s control.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s, d.client.Get(ctx, "/v1/status", nil, &s)
}

// fastPorts is how many ports have a fast path that accounts for every change, and how many packets took it.
func (d *daemon) fastPorts() (ports int, packets uint64, err error) {
	s, err := d.status()
	if err != nil {
		return 0, 0, err
	}
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			packets += i.Counters.Fast
		}
		if i.State == control.StateFast && s.Coherent {
			ports++
		}
	}
	return ports, packets, nil
}

// settle waits until so many ports are fast.
func (d *daemon) settle(ports int, patience time.Duration) error {
	var n int
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if n, _, err = d.fastPorts(); err == nil && n >= ports {
			return nil
		}
	}
	return d.explain(errors.Join(fmt.Errorf("bench: wait for honed: %d of %d ports are fast after %v", n, ports, patience), err))
}

// stop ends the agent.
func (d *daemon) stop() error {
	defer launched.remove(d)
	d.cmd.Process.Signal(unix.SIGTERM)
	timer := time.AfterFunc(10*time.Second, func() { d.cmd.Process.Kill() })
	err := d.cmd.Wait()
	if !timer.Stop() {
		err = errors.Join(err, errors.New("bench: honed had to be killed"))
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}
