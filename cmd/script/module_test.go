package script

import (
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// unload MODULE waits until nobody uses a module, and takes it away with those that build on it.
func unload(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || os.Getenv("HONE_VM") == "" {
		ts.Fatalf("usage: unload MODULE, on a machine of packaging/vm")
	}
	if !unloaded(args[0], 3*time.Minute) {
		ts.Fatalf("%s is in use", args[0])
	}
}

// unloaded tells whether that came to pass in time. Namespaces that other scripts have left are taken apart by the kernel, later.
func unloaded(module string, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Second / 2) {
		if withHolders(module) {
			return true
		}
	}
	return false
}

// withHolders unloads the modules that build on one and then the one.
func withHolders(module string) bool {
	holders, err := os.ReadDir("/sys/module/" + module + "/holders")
	if err != nil {
		return false // it is built in, or was never there
	}
	for _, h := range holders {
		withHolders(h.Name())
	}
	return unix.DeleteModule(module, unix.O_NONBLOCK) == nil
}
