package introspect

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMountCgroup attaches the program where cgroup2 is mounted for nobody else to see, and has it count a write.
func TestMountCgroup(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		fd, err := mountCgroup()
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		l, err := newLedger()
		if err != nil {
			t.Error(err)
			return
		}
		defer l.close()
		w, err := watchSysctls(l, pathOf(fd))
		if err != nil {
			t.Error(err)
			return
		}
		defer w.close()
		before := l.moved()
		if err := os.WriteFile("/proc/sys/net/ipv4/conf/all/accept_local", []byte("1"), 0); err != nil {
			t.Error(err)
		}
		if l.moved() == before {
			t.Error("a write did not move seen")
		}
	})
}

// TestSysctlsSpread writes values that change others, and looks whether those are in what is vouched for.
func TestSysctlsSpread(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		for _, change := range []struct{ path, shows string }{
			{"ipv4/ip_forward", "ipv4/conf/all/accept_redirects"},
			{"ipv4/conf/default/accept_local", "ipv4/conf/v0/accept_local"},
			{"ipv4/conf/all/forwarding", "ipv4/conf/all/accept_redirects"},
		} {
			before, _ := w.s.Sysctls.Get(Name(change.shows))
			old, err := readSysctl(change.path)
			if err != nil {
				t.Error(err)
				continue
			}
			if err := os.WriteFile(sysctlRoot+change.path, []byte(map[string]string{"0": "1", "1": "0"}[old]), 0); err != nil {
				t.Error(err)
			}
			if after, _ := settle(t, w).Sysctls.Get(Name(change.shows)); after == before {
				t.Errorf("a write to %s did not change %s in what was vouched for", change.path, change.shows)
			}
		}
		same(t, w)
	})
}
