package agent

import (
	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// host is what the agent asks of fastpath.Host; tests put a fake in its place.
type host interface {
	Forget()
	Tables([]*ir.Table) error
	Drop(tables []string)
	Settle()
	Later(func())
	Write([]ir.Write) error
	Read(table string, off, n int) ([]byte, error)
	Attach(ifindex int, spec *ebpf.CollectionSpec, mode fastpath.Mode) (port, error)
	NextAsk() (emit.Ask, error)
	Accounts() ([]emit.Account, error)
	Close() error
}

// port is what the agent asks of fastpath.Port.
type port interface {
	Swap(*ebpf.CollectionSpec, slowpath.Epochs) error
	Vouch(slowpath.Epochs)
	Park()
	Attached() bool
	Stats() (fastpath.Stats, error)
	Info() (fastpath.Info, error)
	Close() error
}

// realHost makes a host of a fastpath.Host.
type realHost struct{ *fastpath.Host }

// Attach puts a program on an interface.
func (h realHost) Attach(ifindex int, spec *ebpf.CollectionSpec, mode fastpath.Mode) (port, error) {
	p, err := h.Host.Attach(ifindex, spec, mode)
	if err != nil {
		return nil, err
	}
	return p, nil
}
