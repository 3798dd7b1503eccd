package agent

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMissingCapabilities(t *testing.T) {
	for _, c := range []struct{ has, missing []int }{
		{[]int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF, unix.CAP_PERFMON}, nil},
		{[]int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_ADMIN}, nil},
		{[]int{unix.CAP_SYS_ADMIN}, []int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}},
		{nil, []int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF, unix.CAP_PERFMON}},
	} {
		missing := missingOf(func(bit int) bool { return slices.Contains(c.has, bit) })
		if len(missing) != len(c.missing) {
			t.Errorf("with %v: missing %v", c.has, missing)
		}
	}
}

func TestOneAgentForASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another honed listens on "+path) {
		t.Errorf("listened twice: %v", err)
	}
	l.Close()
	if l, err = Listen(path); err != nil {
		t.Fatal(err)
	}
	l.Close()
}
