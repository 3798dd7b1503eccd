package bench

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath/lab"
)

func TestNftShellRunsCommands(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes a namespace")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("needs nft")
	}
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	s, err := newNftShell(ns)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"add table ip t", "add chain ip t c", "add rule ip t c drop"} {
		if err := s.run(line); err != nil {
			t.Error(err)
		}
	}
	if out, err := ns.Output("nft list ruleset"); err != nil || !strings.Contains(out, "drop") {
		t.Errorf("the ruleset is %q, %v", out, err)
	}
	if err := s.run("add rule ip t missing drop"); err == nil {
		t.Error("a command that fails makes no error")
	}
	if err := s.run("delete table ip t"); err != nil {
		t.Errorf("after a failure: %v", err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
