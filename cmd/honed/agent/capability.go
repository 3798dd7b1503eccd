package agent

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// capabilities are what the agent needs; CAP_SYS_ADMIN does in the place of those that name it.
var capabilities = []struct {
	name  string
	bit   int
	admin bool
}{
	{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN, false},
	{"CAP_NET_RAW", unix.CAP_NET_RAW, false},
	{"CAP_BPF", unix.CAP_BPF, true},
	{"CAP_PERFMON", unix.CAP_PERFMON, true},
}

// checkCapabilities names the capabilities that the process lacks.
func checkCapabilities() error {
	has, err := effective()
	if err != nil {
		return fmt.Errorf("agent: read capabilities: %w", err)
	}
	if missing := missingOf(has); len(missing) > 0 {
		return fmt.Errorf("agent: missing capability %s: run honed as root or grant it (CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON)",
			strings.Join(missing, ", "))
	}
	return nil
}

func missingOf(has func(bit int) bool) []string {
	var missing []string
	for _, c := range capabilities {
		if !has(c.bit) && !(c.admin && has(unix.CAP_SYS_ADMIN)) {
			missing = append(missing, c.name)
		}
	}
	return missing
}

func effective() (func(bit int) bool, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil, err
	}
	return func(bit int) bool { return data[bit/32].Effective&(1<<(bit%32)) != 0 }, nil
}

// learn asks once more what the kernel can do when a module has come or gone that says where the frames of a veth carry their
// tags, or how connections are followed: it may be loaded after honed has started. It tells whether anything is new.
func (a *Agent) learn() bool {
	now := a.modules()
	if now == a.loaded {
		return false
	}
	a.loaded = now
	k, err := a.probe()
	if err != nil {
		a.log.Warn("kernel not probed again", "error", err)
		return false
	}
	if a.options.Kernel.Conntrack != nil {
		a.startOver("modules have changed") // programs read connections by what was known, and flow caches hold their addresses
	}
	a.options.Kernel = k
	return true
}
