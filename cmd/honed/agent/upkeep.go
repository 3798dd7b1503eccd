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

// After so many looks that found nothing used, the agent looks less often: to wake is most of what it costs while idle.
// A first packet then moves its neighbour on some seconds late, once, of the half minute that entries live by default.
const (
	upkeepPatience = 10
	upkeepSeldom   = 3 * time.Second
)

// pace is how long to wait after so many looks in a row that found nothing to do.
func pace(quiet int) time.Duration {
	if quiet < upkeepPatience {
		return upkeepEvery
	}
	return upkeepSeldom
}

// upkeep repairs what kernel code would have written, had it forwarded the packets.
func (a *Agent) upkeep(ctx context.Context) {
	timer := time.NewTimer(upkeepEvery)
	defer timer.Stop()
	for quiet := 0; ; {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			quiet++
			if a.useNeighbours()+a.abandon(now) > 0 {
				quiet = 0
			}
			timer.Reset(min(pace(quiet), a.age(now)))
		}
	}
}

// useNeighbours tells the kernel of the neighbours that programs have used, and how many those were.
func (a *Agent) useNeighbours() int {
	used := a.used()
	for _, n := range used {
		if _, err := a.neighbours.Use(int(n.Index), n.Addr); err != nil {
			a.log.Warn("upkeep", "error", err)
		}
	}
	return len(used)
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
