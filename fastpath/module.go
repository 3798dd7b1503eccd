package fastpath

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/emit"
)

// Modules tells which of the modules are loaded that Probe reads the types of: while it is the same, so is Probe's answer. It
// holds the numbers of the inodes of their directories, which are others after a module was loaded again.
type Modules [3]uint64

// LoadedModules looks which they are now.
func LoadedModules() Modules {
	var m Modules
	for i, name := range []string{conntrackModule, natModule, vethModule} {
		var at unix.Stat_t
		if unix.Stat("/sys/module/"+name, &at) == nil {
			m[i] = at.Ino
		}
	}
	return m
}

// Tracks tells whether nf_conntrack is loaded, or built in.
func (m Modules) Tracks() bool { return m[0] != 0 }

// moduleID is the id of the BTF object of a loaded module, 0 if there is none. To ask takes CAP_SYS_ADMIN.
func moduleID(name string) uint32 {
	h, err := btf.FindHandle(func(info *btf.HandleInfo) bool { return info.IsModule() && info.Name == name })
	if err != nil {
		return 0
	}
	defer func() { _ = h.Close() }()
	info, err := h.Info()
	if err != nil {
		return 0
	}
	return uint32(info.ID)
}

// modules are the BTF objects of the modules whose functions a program calls, which the kernel takes in an array of file
// descriptors. Its first place stands for the kernel proper.
type modules struct {
	ids     []uint32
	handles []*btf.Handle
}

// callsModules tells whether a program calls functions of modules.
func callsModules(insns asm.Instructions) bool {
	return slices.ContainsFunc(insns, func(i asm.Instruction) bool { return i.Metadata.Get(emit.ModuleKey{}) != nil })
}

// resolve writes into the calls which module of the array they are of.
func (m *modules) resolve(insns asm.Instructions) error {
	for i := range insns {
		id, ok := insns[i].Metadata.Get(emit.ModuleKey{}).(uint32)
		if !ok {
			continue
		}
		at := slices.Index(m.ids, id)
		if at < 0 {
			h, err := btf.NewHandleFromID(btf.ID(id))
			if err != nil {
				return fmt.Errorf("open the types of a module: %w", err)
			}
			at = len(m.ids)
			m.ids, m.handles = append(m.ids, id), append(m.handles, h)
		}
		insns[i].Offset = int16(at + 1)
	}
	return nil
}

// descriptors is the array for the kernel.
func (m *modules) descriptors() []int32 {
	all := []int32{0}
	for _, h := range m.handles {
		all = append(all, int32(h.FD()))
	}
	return all
}

func (m *modules) close() {
	for _, h := range m.handles {
		_ = h.Close()
	}
}

// progLoad is the part of union bpf_attr (linux/bpf.h) that BPF_PROG_LOAD reads, up to the array of file descriptors.
type progLoad struct {
	progType, insnCount uint32
	insns, license      unsafe.Pointer
	logLevel, logSize   uint32
	logBuf              unsafe.Pointer
	_, flags            uint32
	name                [unix.BPF_OBJ_NAME_LEN]byte
	_, attachType       uint32
	_                   [48]byte // types of its own, its lines, what it is attached to: it has none
	fdArray             unsafe.Pointer
}

// loadCalling puts a program into the kernel that calls functions of modules. The library hands the types of modules over for
// programs that it has read from an ELF file, only.
func loadCalling(spec *ebpf.ProgramSpec, maps map[string]*ebpf.Map, log bool) (*ebpf.Program, error) {
	insns := slices.Clone(spec.Instructions)
	for name, m := range maps {
		if err := insns.AssociateMap(name, m); err != nil && !errors.Is(err, asm.ErrUnreferencedSymbol) {
			return nil, err
		}
	}
	var called modules
	defer called.close()
	if err := called.resolve(insns); err != nil {
		return nil, err
	}
	var code bytes.Buffer
	// Programs that call modules read connections, which is done on amd64 only; the library knows no NativeEndian.
	if err := insns.Marshal(&code, binary.LittleEndian); err != nil {
		return nil, err
	}
	license, fds := append([]byte(spec.License), 0), called.descriptors()
	attr := progLoad{progType: uint32(spec.Type), insnCount: uint32(code.Len() / asm.InstructionSize),
		insns: unsafe.Pointer(&code.Bytes()[0]), license: unsafe.Pointer(&license[0]), flags: spec.Flags,
		attachType: uint32(spec.AttachType), fdArray: unsafe.Pointer(&fds[0])}
	copy(attr.name[:len(attr.name)-1], spec.Name)
	fd, err := attr.load(log)
	runtime.KeepAlive(maps)
	if err != nil {
		return nil, err
	}
	return ebpf.NewProgramFromFD(fd)
}

// logSize is room for the verifier's words on any program that it does not find too large.
const logSize = 16 << 20

// load asks the kernel, and once more with the verifier's words where it refuses and they are wanted.
func (p *progLoad) load(log bool) (fd int, err error) {
	fd, err = p.try()
	if err == nil || !log {
		return fd, err
	}
	words := make([]byte, logSize)
	p.logLevel, p.logSize, p.logBuf = 1, logSize, unsafe.Pointer(&words[0])
	if fd, err = p.try(); err == nil {
		return fd, nil
	}
	text, _, _ := bytes.Cut(words, []byte{0})
	if len(text) == 0 {
		return -1, fmt.Errorf("load program: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return -1, fmt.Errorf("%w: %w: %s", ErrRejected, err, strings.Join(lines[max(0, len(lines)-lastWords):], ": "))
}

// lastWords is how many lines of the verifier's are told: the instruction, what is wrong with it, and how far it came.
const lastWords = 3

// tries is how often a load is tried that a signal interrupts: the verifier gives up for one.
const tries = 100

func (p *progLoad) try() (int, error) {
	for range tries {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(p)), unsafe.Sizeof(*p))
		if errno == 0 {
			return int(fd), nil
		}
		if errno != unix.EAGAIN && errno != unix.EINTR {
			return -1, errno
		}
	}
	return -1, unix.EAGAIN
}
