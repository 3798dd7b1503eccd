package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
)

// words are the epochs of a program as it sees them itself: what was announced and what it accounts for.
type words struct {
	program     ebpf.ProgramID
	seen, built *ebpf.Memory
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
	if w.seen == nil || w.built == nil {
		return nil, fmt.Errorf("bench: find epochs of program %d: it has none", w.program)
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

// anyWord is where the word of all domains stands among the epochs.
const anyWord = int64(slowpath.Any) * 8

func wordAt(m *ebpf.Memory, off int64) uint64 {
	var b [8]byte
	if _, err := m.ReadAt(b[:], off); err != nil {
		return slowpath.Never
	}
	return binary.NativeEndian.Uint64(b[:])
}

// await waits until the program on an interface is fresh, whichever it is, and gives its words. Old may be nil.
func (d *daemon) await(old *words, name string, patience time.Duration) (*words, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if old != nil && old.soon(time.Millisecond) {
			return old, nil
		}
		id := d.programID(name)
		if id == 0 || old != nil && old.program == id {
			continue
		}
		now, err := openWords(id)
		if err != nil {
			continue // exchanged again
		}
		if old != nil {
			old.close()
		}
		old = now
	}
	return old, fmt.Errorf("bench: wait for %s: not fast after %v", name, patience)
}

// soon waits until the program is fresh, but not for long.
func (w *words) soon(patience time.Duration) bool {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Microsecond) {
		if w.fresh() {
			return true
		} else if time.Now().After(end) {
			return false
		}
	}
}
