package bench

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// words are the epochs of a program as it sees them itself: what was announced and what it accounts for.
type words struct {
	program     ebpf.ProgramID
	port        ebpf.MapID // that of the counters, which the programs of a port share
	seen, built *ebpf.Memory
	stats       *ebpf.Memory
	maps        []*ebpf.Map
}

// programID asks which program is on an interface; 0 without.
func (d *daemon) programID(name string) ebpf.ProgramID {
	s, err := d.status()
	if err != nil {
		return 0
	}
	for _, i := range s.Interfaces {
		if i.Name == name && i.Program != nil {
			return ebpf.ProgramID(i.Program.ID)
		}
	}
	return 0
}

func openWords(id ebpf.ProgramID) (_ *words, err error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, fmt.Errorf("bench: open program %d: %w", id, err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return nil, fmt.Errorf("bench: ask for program %d: %w", id, err)
	}
	w := &words{program: id}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			return nil, fmt.Errorf("bench: open map %d: %w", id, errors.Join(err, w.close()))
		}
		w.maps = append(w.maps, m)
		if err := w.take(m); err != nil {
			return nil, fmt.Errorf("bench: map %d: %w", id, errors.Join(err, w.close()))
		}
	}
	if w.seen == nil || w.built == nil || w.stats == nil {
		return nil, fmt.Errorf("bench: find epochs of program %d: %w", id, errors.Join(errors.New("it has none"), w.close()))
	}
	return w, nil
}

func (w *words) take(m *ebpf.Map) error {
	info, err := m.Info()
	if err != nil {
		return err
	}
	switch info.Name {
	case emit.MapSeen:
		w.seen, err = m.Memory()
	case emit.MapBuilt:
		w.built, err = m.Memory()
	case emit.MapStats:
		w.port, _ = info.ID()
		w.stats, err = m.Memory()
	}
	return err
}

func (w *words) close() error {
	var errs []error
	for _, m := range w.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// fresh tells whether the program accounts for every announced change.
func (w *words) fresh() bool { return wordAt(w.seen, anyWord) == wordAt(w.built, anyWord) }

// fast is the number of packets that programs of the port have forwarded.
func (w *words) fast() (n uint64) {
	for at := emit.CounterOffset(ir.CountFast); at < int(w.stats.Size()); at += emit.StatsStride {
		n += wordAt(w.stats, int64(at))
	}
	return n
}

// anyWord is where the word of all domains stands among the epochs.
const anyWord = int64(slowpath.Any) * 8

func wordAt(m *ebpf.Memory, off int64) uint64 {
	var b [8]byte
	if _, err := m.ReadAt(b[:], off); err != nil {
		return slowpath.Never
	}
	return binary.NativeEndian.Uint64(b[:])
}

// await waits until the program on an interface is fresh, whichever it is, and gives its words. Old may be nil. Packets
// have to flow: a program that is new has to show that it forwards some.
func (d *daemon) await(old *words, name string, patience time.Duration) (*words, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if old == nil {
			if id := d.programID(name); id != 0 {
				old, _ = openWords(id) // fails if it has been exchanged again
			}
			continue
		}
		if old.fresh() || old.carries(time.Millisecond) && old.succeed() && old.fresh() {
			return old, nil
		}
	}
	return old, d.explain(fmt.Errorf("bench: wait for %s: not fast after %v", name, patience))
}

// explain adds to an error what the daemon says of its ports, and the end of its log.
func (d *daemon) explain(err error) error {
	const end = 4096
	s, _ := d.status()
	text, _ := json.Marshal(s)
	log := d.log.Bytes()
	return fmt.Errorf("%w: %s %s", err, text, log[max(0, len(log)-end):])
}

// carries waits until some program of the port takes packets, but not for long: some more packets than may have been
// on their way already when the wait began.
func (w *words) carries(patience time.Duration) bool {
	const some = 64
	from := w.fast()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Microsecond) {
		if w.fast()-from >= some {
			return true
		} else if time.Now().After(end) {
			return false
		}
	}
}

// succeed takes the words of the last program that was made for the same port: it counts in the same place. The daemon,
// which might tell, is busy until every port has its program.
func (w *words) succeed() bool {
	last := *w
	for id, err := ebpf.ProgramGetNextID(w.program); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		next, err := openWords(id)
		if err != nil {
			continue // of somebody else, or gone
		}
		if next.port != w.port {
			next.close()
			continue
		}
		last.close()
		last = *next
	}
	*w = last
	return true
}
