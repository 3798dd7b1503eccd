package agent

import (
	"context"
	"net/netip"
	"time"

	"github.com/hone-net/hone/introspect"
)

// upkeepEvery is how often the agent looks which neighbours the programs have used. The kernel itself asks after a
// neighbour some seconds after it was used, so that one second more changes nothing that can be seen.
const upkeepEvery = time.Second

// neighbours is what the agent asks of upkeep.Neighbours: tell the kernel that an entry is in use, as the kernel's own
// forwarding would have done.
type neighbours interface {
	Use(ifindex int, addr netip.Addr) (bool, error)
}

// upkeep repairs what kernel code would have written, had it forwarded the packets.
func (a *Agent) upkeep(ctx context.Context) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			a.useNeighbours()
			a.abandon(now)
		}
	}
}

func (a *Agent) useNeighbours() {
	for _, n := range a.used() {
		if _, err := a.neighbours.Use(int(n.Index), n.Addr); err != nil {
			a.log.Warn("upkeep", "error", err)
		}
	}
}

// used lists the neighbours that programs have used since the last time.
func (a *Agent) used() []introspect.NeighKey {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fib == nil {
		return nil
	}
	used, clear := a.fib.Used(a.host.Read)
	if err := a.host.Write(clear); err != nil {
		a.log.Warn("upkeep", "error", err)
	}
	return used
}
