package agent

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOneAgentForANamespace(t *testing.T) {
	unlock, err := Lock()
	if err != nil {
		t.Skip("another honed serves this namespace")
	}
	if _, err := Lock(); err == nil {
		t.Error("locked twice")
	}
	unlock()
	unlock, err = Lock()
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// TestNobodyElseHoldsTheGuard has a user without rights take the name, and connect to it: agents still find a place, and
// exclude each other by whatever names, also when that user lets the first name go.
func TestNobodyElseHoldsTheGuard(t *testing.T) {
	if os.Getenv("HONE_TEST_SQUAT") != "" {
		squat(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to be another user")
	}
	runtime.LockOSThread() // not unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	if _, err := guards(); err != nil {
		t.Skip("the kernel does not tell of sockets: ", err)
	}
	leave := squatter(t)
	unlock, err := Lock()
	if err != nil {
		t.Fatal(err)
	}
	excluded := func(when string) {
		t.Helper()
		if second, err := Lock(); err == nil {
			second()
			t.Error("locked twice ", when)
		} else if !strings.Contains(err.Error(), "another honed") {
			t.Error(err)
		}
	}
	excluded("where the name is another user's")
	leave()
	excluded("after another user let the name go")
	unlock()
	if unlock, err = Lock(); err != nil {
		t.Fatal(err)
	}
	excluded("by the name")
	unlock()
}

// squatter starts this test as another user and waits until it has the name. The returned function ends it.
func squatter(t *testing.T) func() {
	t.Helper()
	c := exec.Command("/proc/self/exe", "-test.run=^TestNobodyElseHoldsTheGuard$", "-test.v")
	c.Env = append(os.Environ(), "HONE_TEST_SQUAT=1")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines, said := bufio.NewScanner(out), ""
	for lines.Scan() && lines.Text() != "squatting" {
		said += lines.Text() + "\n"
	}
	if lines.Text() != "squatting" {
		t.Fatalf("another user has not taken the name:\n%s", said)
	}
	return func() {
		in.Close()
		for lines.Scan() {
		}
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// squat holds the name, with connections that are not accepted, until the input ends.
func squat(t *testing.T) {
	l, err := listenGuard(guardName)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 3 {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: guardName, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	os.Stdout.WriteString("squatting\n")
	os.Stdin.Read(make([]byte, 1))
}

// FuzzDecodeSocket feeds the decoder what the kernel would not say.
func FuzzDecodeSocket(f *testing.F) {
	own := append(make([]byte, sizeofUnixDiagMsg), 9, 0, diagName, 0, 0, 'h', 'o', 'n', 'e', 0, 0, 0, 8, 0, diagUID, 0, 0, 0, 0, 0)
	if name, uid, err := decodeSocket(own); name != "@hone" || uid != 0 || err != nil {
		f.Errorf("%q of %d: %v", name, uid, err)
	}
	f.Add(own)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if name, uid, err := decodeSocket(b); uid < -1 || name == "@hone.agent" && err == nil && len(b) < sizeofUnixDiagMsg+16 {
			t.Errorf("%q of %d: %v", name, uid, err)
		}
	})
}
