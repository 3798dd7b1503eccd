package agent

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath/upkeep"
	"github.com/hone-net/hone/synth/ir"
)

// windows is what the agent asks of upkeep.Connections: the kernel is not to watch the windows of a TCP connection, most
// of whose packets it does not see.
type windows interface {
	Relax(source, dest netip.AddrPort) error
}

// openWindows opens what relax needs where programs may decide packets of connections. Without ctnetlink, TCP is left to the
// kernel where connections are tracked.
func (a *Agent) openWindows() {
	if a.options.Config.Conntrack != config.Established {
		return
	}
	c, err := upkeep.OpenConnections()
	if err != nil {
		a.log.Warn("tracked connections of TCP are left to the kernel", "error", err)
		return
	}
	a.windows = c
	a.closers = append(a.closers, func() error { c.Close(); return nil })
}

// relax has the windows of the connections left alone that programs ask for, until the host is closed.
func (a *Agent) relax() {
	for {
		asked, err := a.host.NextAsk()
		if errors.Is(err, fastpath.ErrClosed) {
			return
		}
		if err == nil {
			err = a.windows.Relax(asked.Source, asked.Dest)
		}
		if err != nil {
			a.log.Warn("upkeep", "error", err)
		}
	}
}

// Accounts lists what programs have counted for connections, in the order of their tuples.
func (a *Agent) Accounts() (control.Accounts, error) {
	all := control.Accounts{PID: os.Getpid(), Connections: []control.Account{}}
	accounts, err := a.host.Accounts()
	if err != nil {
		return all, fmt.Errorf("agent: %w", err)
	}
	for _, one := range accounts {
		all.Connections = append(all.Connections, control.Account{Protocol: one.Protocol, Source: one.Source, Destination: one.Dest,
			Original: control.Sum(one.Sums[0]), Reply: control.Sum(one.Sums[1])})
	}
	slices.SortFunc(all.Connections, func(a, b control.Account) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), a.Source.Compare(b.Source), a.Destination.Compare(b.Destination))
	})
	return all, nil
}

// connections are the flow caches that a program looks into: they are made with the first program that does.
func connections(p *ir.Program) []*ir.Table {
	var all []*ir.Table
	for _, t := range p.Tables {
		if t.Kind.Tracks() {
			all = append(all, t)
		}
	}
	return all
}
