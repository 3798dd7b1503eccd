package fastpath

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// Swap replaces the running program by that of spec, without a packet seeing neither. The new one punts everything
// until Vouch; the old one is never vouched for again, wherever it may still be running. The counters go on. If Swap
// fails the old program runs on as before, unless the interface is gone.
func (p *Port) Swap(spec *ebpf.CollectionSpec) error {
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
	if err := p.link.Update(next.prog); err != nil {
		next.close()
		return failed(action, linkCause(err, p.ifindex), err)
	}
	p.run.close()
	p.run = next
	return nil
}
