package agent

import (
	"fmt"
	"slices"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// Options are what decisions depend on beside the configuration of the network.
type Options struct {
	Config     config.Config
	Kernel     emit.Kernel
	Unprobed   error // why nobody knows whether this machine's kernel is like that; nil where it was asked
	Switched   control.Switched
	OurXDP     func(progID uint32) bool // nil: none is ours
	Connection finder                   // asks for the connection of a packet that is to be explained; nil: there is no kernel to ask
	Steps      int                      // of rules that programs follow: 0 for the most; negative for none, not even to ask
}

// decision is what is to be done with one interface: run the program, or leave it to the kernel for a Reason.
type decision struct {
	link    introspect.Link
	mode    fastpath.Mode
	reason  slowpath.Reason
	detail  string
	left    []control.Left // families that the program leaves to the kernel
	program *ir.Program
	text    string // the program's text: programs of equal text are equal
	general string // the same before it was specialized
}

const families = 2

// decide is a pure function of its arguments.
func decide(s *introspect.Snapshot, link introspect.Link, o Options, shape synth.Shape) decision {
	return judge(s, link, o, shape).compiled(s, o, shape)
}

// judge decides whether an interface is to have a program, and does not make it.
func judge(s *introspect.Snapshot, link introspect.Link, o Options, shape synth.Shape) decision {
	d := decision{link: link}
	so := o.synth(link.Name)
	if so.Hook == "xdp-generic" {
		d.mode = fastpath.Generic
	}
	d.reason, d.detail = synth.Refuse(s, int(link.Index), so)
	if d.reason != slowpath.Loopback && o.Switched.Off(namesOf(link)...) {
		d.reason, d.detail = slowpath.Off, "switched off by hone disable"
	}
	if d.reason != slowpath.None {
		return d
	}
	left := synth.Leave(s, int(link.Index), so, shape)
	for _, l := range left {
		d.left = append(d.left, control.Left{Family: l.Family, Reason: l.Reason.String(), Detail: l.Cause})
	}
	if len(left) == families {
		d.reason, d.detail = slowpath.TableFull, slowpath.TableFull.Doc()
	}
	return d
}

// compiled is the decision with the program, if there is to be one. Of a program that it has already only the work is used
// that leads to the same.
func (d decision) compiled(s *introspect.Snapshot, o Options, shape synth.Shape) decision {
	if d.reason != slowpath.None {
		return d
	}
	p, err := synth.Program(s, int(d.link.Index), o.synth(d.link.Name), shape)
	if err != nil {
		return decision{link: d.link, mode: d.mode, left: d.left, reason: slowpath.Unknown, detail: err.Error()}
	}
	general := p.String()
	if general == d.general {
		return d
	}
	d.general = general
	d.program = specialize.Run(p)
	d.text = d.program.String()
	return d
}

// off tells whether an interface is switched off, by configuration or command.
func (o Options) off(l introspect.Link) bool {
	return o.Config.HookOf(l.Name) == "off" || o.Switched.Off(namesOf(l)...)
}

func (o Options) synth(name string) synth.Options {
	our := o.OurXDP
	if our == nil {
		our = func(uint32) bool { return false }
	}
	return synth.Options{
		Hook:       o.Config.HookOf(name),
		Off:        o.off,
		OurXDP:     our,
		VethTag:    o.Kernel.VethTag != nil,
		VethSummed: o.Kernel.VethTag != nil && o.Kernel.VethTag.SummedMask != 0,
		FIBLookup:  o.Kernel.FIBLookup,
		Conntrack:  o.Kernel.Conntrack != nil && o.Config.Conntrack == config.Established,
		Accounts:   o.Kernel.Conntrack != nil && o.Kernel.Conntrack.Accounts,
		Ruleset:    o.Steps >= 0,
		Steps:      max(o.Steps, 0),
		Tallies:    o.Config.Counters == config.Delta,
	}
}

// modeName is the word of the control documents for a mode.
func modeName(m fastpath.Mode) string {
	if m == fastpath.Generic {
		return "generic"
	}
	return "native"
}

// namesOf lists the names of an interface, alternative ones behind that which the kernel shows.
func namesOf(link introspect.Link) []string { return append([]string{link.Name}, link.AltNames...) }

// linkNamed finds an interface by its name or alternative name.
func linkNamed(s *introspect.Snapshot, name string) (introspect.Link, error) {
	for _, l := range s.Links.All() {
		if slices.Contains(namesOf(l), name) {
			return l, nil
		}
	}
	return introspect.Link{}, fmt.Errorf("agent: no interface %s", name)
}
