package agent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
)

// Dump gives the text of what the agent holds: the snapshot, the epochs, or the programs as ir or asm, of one interface
// or of all that have one.
func (a *Agent) Dump(kind, name string) (string, error) {
	s, o, err := a.view()
	if err != nil {
		return "", err
	}
	if kind == "epochs" {
		return a.epochText(), nil
	}
	return Dump(s, o, kind, name)
}

func (a *Agent) epochText() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var text strings.Builder
	for d, n := range a.epochs {
		fmt.Fprintf(&text, "%s %d\n", slowpath.Domain(d), n)
	}
	return text.String()
}

// Dump gives the text of a Snapshot, or of the programs that it leads to.
func Dump(s *introspect.Snapshot, o Options, kind, name string) (string, error) {
	if kind == "snapshot" {
		return s.String(), nil
	}
	if kind == "epochs" {
		return "", errors.New("agent: dump: epochs are of a honed that runs, and of no other configuration")
	}
	if kind != "ir" && kind != "asm" {
		return "", fmt.Errorf("agent: dump: kind %q is not one of snapshot, epochs, ir, asm", kind)
	}
	if name == "" {
		return dumpAll(s, o, kind)
	}
	link, err := linkNamed(s, name)
	if err != nil {
		return "", err
	}
	d := decide(s, link, o, synth.NewFIB(s).Shape())
	if d.reason != slowpath.None {
		return "", fmt.Errorf("agent: dump: %s has no program: %s: %s", name, d.reason, d.detail)
	}
	return dumpProgram(d, o.Kernel, kind)
}

func dumpAll(s *introspect.Snapshot, o Options, kind string) (string, error) {
	var all strings.Builder
	shape := synth.NewFIB(s).Shape()
	for _, link := range s.Links.All() {
		d := decide(s, link, o, shape)
		if d.reason != slowpath.None {
			continue
		}
		text, err := dumpProgram(d, o.Kernel, kind)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "# interface %s\n%s", link.Name, text)
	}
	return all.String(), nil
}

func dumpProgram(d decision, k emit.Kernel, kind string) (string, error) {
	if kind == "ir" {
		return d.text, nil
	}
	text, err := emit.Listing(d.program, k)
	if err != nil {
		return "", fmt.Errorf("agent: dump: %w", err)
	}
	return text, nil
}
