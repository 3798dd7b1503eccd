package fastpath

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/slowpath"
)

// Swap replaces the running program by that of spec, without a packet seeing neither. The new one is vouched for up to
// the epochs e before it runs: the kernel, having exchanged them, waits for a grace period before it says so, and
// packets need not. The old one is never vouched for again, wherever it may still be running. The counters go on. If
// Swap fails the old program runs on as before, unless the interface is gone.
func (p *Port) Swap(spec *ebpf.CollectionSpec, e slowpath.Epochs) error {
	if err := p.host.check(spec); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	action := fmt.Sprintf("swap the program of interface %d", p.ifindex)
	if p.run == nil {
		return failed(action, nil, ErrClosed)
	}
	next, err := p.host.load(spec, p.stats.m)
	if err != nil {
		return err
	}
	if p.host.current(next.tables) {
		next.vouch(e)
	}
	if err := p.link.Update(next.prog); err != nil {
		next.close()
		return failed(action, linkCause(err, p.ifindex), err)
	}
	p.run.close()
	p.run = next
	return nil
}
