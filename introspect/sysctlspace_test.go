package introspect

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSysctlSpaces writes in another namespace, which moves nothing, and from there through a file of this one, which does.
func TestSysctlSpaces(t *testing.T) {
	const path = "/proc/sys/net/ipv4/conf/all/src_valid_mark"
	if _, err := targetSpace(0); err != nil {
		t.Skipf("the kernel tells only who writes: %v", err)
	}
	inNamespace(t, func(run func(string)) {
		l, err := newLedger()
		if err != nil {
			t.Error(err)
			return
		}
		defer l.close()
		err = cgroupRoot(func(root string) error {
			w, err := watchSysctls(l, root)
			if err == nil {
				defer w.close()
				writeAcross(t, l, path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func writeAcross(t *testing.T, l *ledger, path string) {
	ours, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer ours.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Error(err)
		return
	}
	before := l.moved()
	if err := os.WriteFile(path, []byte("1"), 0); err != nil {
		t.Error(err)
	}
	if l.moved() != before {
		t.Error("a write in another namespace moved seen")
	}
	if _, err := ours.WriteString("1"); err != nil {
		t.Error(err)
	}
	if l.moved() == before {
		t.Error("a write from another namespace did not move seen")
	}
}
