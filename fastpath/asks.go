package fastpath

import (
	"errors"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/hone-net/hone/synth/emit"
)

// asks is the ring buffer in which the programs of a host ask to have windows of connections left alone.
type asks struct {
	m      *ebpf.Map
	reader *ringbuf.Reader
}

func newAsks() (*asks, error) {
	m, err := ebpf.NewMap(emit.Asks())
	if err != nil {
		return nil, failed("make the map "+emit.MapAsks, loadCause(err), err)
	}
	reader, err := ringbuf.NewReader(m)
	if err != nil {
		_ = m.Close()
		return nil, failed("read the map "+emit.MapAsks, nil, err)
	}
	return &asks{m, reader}, nil
}

func (a *asks) close() {
	_ = a.reader.Close()
	_ = a.m.Close()
}

// NextAsk waits for a connection whose window a program wants to be left alone. It answers ErrClosed when the Host is
// closed.
func (h *Host) NextAsk() (emit.Ask, error) {
	record, err := h.asks.reader.Read()
	if errors.Is(err, ringbuf.ErrClosed) {
		return emit.Ask{}, ErrClosed
	}
	if err != nil {
		return emit.Ask{}, failed("wait for connections", nil, err)
	}
	return emit.ParseAsk(record.RawSample)
}
