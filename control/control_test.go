package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestSocketPath(t *testing.T) {
	t.Setenv("HONE_SOCKET", "")
	for netns, want := range map[string]string{"blue": "/run/hone/blue.sock", "honed": "/run/hone/honed@honed.sock", "/none/ns/net": "/run/hone/none-ns-net.sock",
		"/proc/self/ns/net": SocketPath("")} {
		if got := SocketPath(netns); got != want {
			t.Errorf("SocketPath(%q) = %q, want %q", netns, got, want)
		}
	}
	if got := SocketPath(""); !strings.HasPrefix(got, "/run/hone/") || !strings.HasSuffix(got, ".sock") {
		t.Errorf("SocketPath of the own namespace: %q", got)
	}
	t.Setenv("HONE_SOCKET", "/tmp/x.sock")
	if got := SocketPath("blue"); got != "/tmp/x.sock" {
		t.Errorf("HONE_SOCKET is not heeded: %q", got)
	}
}

// TestNetnsNameOfService asks on a thread without capabilities, as where a service manager has kept them back: the first
// namespace is told by its name all the same, and is where the command line looks for honed.
func TestNetnsNameOfService(t *testing.T) {
	want, got := NetnsName(), make(chan string, 1)
	if first, err := os.Stat("/proc/1/net/dev"); err == nil {
		if own, err := os.Stat("/proc/thread-self/net/dev"); err == nil && os.SameFile(first, own) {
			want = "" // though this process may lack some as well
		}
	}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			t.Error(err)
		}
		got <- NetnsName()
	}()
	if got := <-got; got != want {
		t.Errorf("%q is called %q without capabilities", want, got)
	}
}

func TestEnterNetns(t *testing.T) {
	if err := EnterNetns(""); err != nil {
		t.Error(err)
	}
	if err := EnterNetns("/proc/self/ns/net"); err != nil {
		t.Errorf("the own namespace: %v", err)
	}
	if err := EnterNetns("hone-no-such"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a namespace that is not there: %v", err)
	}
}

func TestInNetns(t *testing.T) {
	for name, want := range map[string]bool{"/proc/self/ns/net": true, "": false, "hone-no-such": false, "/proc/self/ns/mnt": false} {
		if InNetns(name) != want {
			t.Errorf("InNetns(%q) is %v", name, !want)
		}
	}
}

func TestSwitched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "honed.off")
	if s, err := LoadSwitched(path); err != nil || s.Disabled || s.Off("r0") {
		t.Errorf("no file: %+v %v", s, err)
	}
	for _, empty := range []Switched{Switched{}.Enable(""), Switched{}.Enable("r0"), Switched{}.Disable("")} {
		if text, err := json.Marshal(empty); err != nil || !strings.Contains(string(text), `"interfaces":[]`) {
			t.Errorf("%s %v", text, err)
		}
	}
	s := Switched{}.Disable("r1").Disable("r0").Disable("r1")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadSwitched(path)
	if diff := cmp.Diff(Switched{Interfaces: []string{"r0", "r1"}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got = got.Enable("r0"); got.Off("r0") || !got.Off("r1") || !got.Disable("").Off("r7") {
		t.Errorf("%+v", got)
	}
	if err := got.Enable("").Save(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file that says nothing stays")
	}
	os.WriteFile(path, []byte("{"), 0o600)
	if _, err := LoadSwitched(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken file: %v", err)
	}
}

func serve(t *testing.T, handler http.Handler) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return NewClient(path)
}

func TestClient(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(Status{Version: "1", PID: 7})
	})
	mux.HandleFunc("GET /v1/dump", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		json.NewEncoder(w).Encode(Error{"no interface x"})
	})
	mux.HandleFunc("GET /v1/monitor", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(Event{Kind: "attach"})
		json.NewEncoder(w).Encode(Event{Kind: "swap"})
	})
	c, ctx := serve(t, mux), context.Background()
	var s Status
	if err := c.Get(ctx, "/v1/status", nil, &s); err != nil || s.PID != 7 {
		t.Errorf("status: %+v %v", s, err)
	}
	if _, err := c.Text(ctx, "/v1/dump", nil); err == nil || err.Error() != "no interface x" {
		t.Errorf("error document: %v", err)
	}
	var kinds []string
	if err := c.Monitor(ctx, func(e Event) error { kinds = append(kinds, e.Kind); return nil }); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"attach", "swap"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestClientWithoutAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	var s Status
	if err := NewClient(path).Get(context.Background(), "/v1/status", nil, &s); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no socket: %v", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if err := NewClient(path).Get(context.Background(), "/v1/status", nil, &s); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a socket that nobody listens on: %v", err)
	}
}
