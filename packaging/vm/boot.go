package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// trouble are the lines of a console that no kernel prints that is well.
var trouble = regexp.MustCompile(`Kernel panic|BUG:|Oops|WARNING: CPU|general protection|INFO: task .* blocked|soft lockup|rcu_.*stall`)

// patience is for a machine whose processor others have for seconds at a time: that is no lockup of the kernel.
const patience = "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=180 sysctl.kernel.hung_task_timeout_secs=600"

// boot runs the guest of an image to its end: the results come by its second serial port, the first is the console.
func (m *machine) boot(k kernel, base string, e *events) error {
	ctx, cancel := context.WithTimeout(context.Background(), m.limit)
	defer cancel()
	console := base + ".console"
	args := append(cards(), "-kernel", k.image, "-initrd", base+".img",
		"-accel", "tcg,thread=single", // several threads run instructions that the kernel has patched away
		"-cpu", "max,-cx16", // after cmpxchg16b, QEMU 7.2 may have rubbish in the flags, which an interrupt then makes the guest's
		"-smp", "2", "-m", "3072", "-nodefaults", "-no-reboot", "-display", "none",
		"-serial", "file:"+console, "-serial", "stdio",
		"-append", "console=ttyS0 loglevel=5 panic=-1 mitigations=off nokaslr oops=panic printk.time=1 "+patience+" "+m.options.boot)
	c := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start QEMU: %w", err)
	}
	e.late = func() bool { return m.lenient && ctx.Err() != nil }
	done := e.follow(bufio.NewReaderSize(out, 1<<20))
	err = c.Wait()
	text, _ := os.ReadFile(console)
	if m.verbose {
		os.Stderr.Write(text)
	}
	switch {
	case e.late():
		return missing("the rest, because it took longer than %s", m.limit)
	case ctx.Err() != nil:
		return fmt.Errorf("not done within %s\n%s", m.limit, tail(text))
	case err != nil:
		return fmt.Errorf("QEMU: %w: %s", err, said.Bytes())
	case trouble.Match(text):
		return fmt.Errorf("trouble on the console\n%s", around(text))
	case !done:
		return errors.New("no summary: the guest ended early\n" + tail(text))
	}
	return nil
}

// cards are four network cards, the first two and the last two of which a cable connects. Nobody loads their driver before a
// script asks for them.
func cards() (args []string) {
	for i := range 4 {
		args = append(args, "-netdev", fmt.Sprintf("hubport,hubid=%d,id=n%d", i/2, i),
			"-device", fmt.Sprintf("virtio-net-pci,romfile=,netdev=n%d,mac=52:54:00:ff:00:0%d", i, i))
	}
	return args
}

// tail is the end of a console.
func tail(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// around is the first trouble with what stands around it.
func around(text []byte) string {
	lines := strings.Split(string(text), "\n")
	for i, l := range lines {
		if trouble.MatchString(l) {
			return strings.Join(lines[max(0, i-5):min(len(lines), i+40)], "\n")
		}
	}
	return ""
}
