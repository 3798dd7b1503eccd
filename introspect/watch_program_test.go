package introspect

import (
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// bound is the time within which a change has to be noticed, as the Watcher's own list says, and as much again for a busy
// machine.
func bound(w *Watcher, change string) time.Duration {
	for _, s := range w.Silent() {
		if s.Change == change {
			return lab.Patience(2 * s.Bound)
		}
	}
	return 0
}

func constant(t testing.TB, kind ebpf.ProgramType, attach ebpf.AttachType, value int32) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: kind, AttachType: attach, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, value), asm.Return()}})
	if err != nil {
		t.Error(err)
	}
	return p
}

func TestWatchPrograms(t *testing.T) {
	if err := features.HaveProgramType(ebpf.Netfilter); err != nil { // TCX came two versions later
		t.Skipf("needs netfilter programs and TCX: %v", err)
	}
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		tcx := constant(t, ebpf.SchedCLS, ebpf.AttachTCXIngress, -1)
		filter := constant(t, ebpf.Netfilter, ebpf.AttachNetfilter, 1)
		if t.Failed() {
			return
		}
		defer tcx.Close()
		defer filter.Close()
		index := linkNamed(t, w.s, "v0").Index
		a, err := link.AttachTCX(link.TCXOptions{Interface: int(index), Program: tcx, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			t.Error(err)
			return
		}
		standing := func(s *Snapshot) bool {
			_, ok := s.Filters.Get(FilterKey{index, classIngress, kindTCX})
			return ok
		}
		if took, most := until(t, w, standing), bound(w, "a TCX program is attached or detached"); took > most {
			t.Errorf("a TCX program was noticed after %v, not %v", took, most)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		until(t, w, func(s *Snapshot) bool { return !standing(s) })
		b, err := link.AttachNetfilter(link.NetfilterOptions{Program: filter, ProtocolFamily: link.NetfilterProtoIPv4,
			Hook: link.NetfilterInetForward, Priority: -50})
		if err != nil {
			t.Error(err)
			return
		}
		hooked := func(s *Snapshot) bool { return s.Hooks.Len() > 0 }
		if took, most := until(t, w, hooked), bound(w, "the first iptables-legacy table, IPVS service or netfilter program appears"); took > most {
			t.Errorf("a netfilter program was noticed after %v, not %v", took, most)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		until(t, w, func(s *Snapshot) bool { return !hooked(s) })
	})
}

// TestWatchSysctlsPolled does without a program on the writes.
func TestWatchSysctlsPolled(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		deafen(t, w)
		w.unwatched = errNoCgroup
		w.polls = w.schedule()
		before := w.ledger.moved()
		if err := os.WriteFile("/proc/sys/net/ipv4/conf/all/route_localnet", []byte("1"), 0); err != nil {
			t.Error(err)
			return
		}
		took := until(t, w, func(s *Snapshot) bool {
			v, _ := s.Sysctls.Get("ipv4/conf/all/route_localnet")
			return v.Value == "1"
		})
		if most := bound(w, "a sysctl is written that RTM_NEWNETCONF does not carry"); took > most {
			t.Errorf("noticed after %v, not %v", took, most)
		}
		if w.ledger.moved()[slowpath.Config] == before[slowpath.Config] {
			t.Error("seen did not move")
		}
	})
}

func TestWatchSysctlsNeedsCgroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	l, err := newLedger()
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for _, root := range []string{"", "/nowhere", t.TempDir()} {
		if w, err := watchSysctls(l, root); err == nil || w != nil {
			t.Errorf("a program was attached to %q", root)
		} else {
			t.Log(err)
		}
	}
}
