package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
)

// Doctor tells what the machine allows.
func (a *Agent) Doctor() control.Doctor {
	s, o, _ := a.view()
	d := Doctor(s, o)
	a.mu.Lock()
	defer a.mu.Unlock()
	d.Checks = append(d.Checks, control.Check{Name: "epochs", Outcome: control.OK,
		Detail: "changes are noticed by the kernel-side filter, in the system call that makes them"})
	if a.counts.Error != "" {
		d.Checks = append(d.Checks, control.Check{Name: "agent", Outcome: control.Warning, Detail: a.counts.Error})
	}
	for _, s := range a.watch.Silent() {
		d.Silent = append(d.Silent, control.Silent{Change: s.Change, Mechanism: s.Mechanism, Bound: s.Bound})
	}
	return d
}

// Doctor tells what a machine with this kernel and configuration allows; the Snapshot may be nil.
func Doctor(s *introspect.Snapshot, o Options) control.Doctor {
	d := control.Doctor{Silent: []control.Silent{}}
	d.Checks = append(d.Checks, kernelCheck(), capabilityCheck())
	if o.Unprobed != nil {
		d.Checks = append(d.Checks, control.Check{Name: "kernel features", Outcome: control.Warning,
			Detail: "not known, taken for there: " + o.Unprobed.Error()})
	} else {
		d.Checks = append(d.Checks, fibCheck(o.Kernel), vlanCheck(o.Kernel), connectionCheck(o.Kernel))
	}
	d.Checks = append(d.Checks, tracingCheck(), moduleCheck())
	if s == nil {
		return d
	}
	d.Checks = append(d.Checks, redirectCheck(s))
	d.Checks = append(d.Checks, absentChecks(s, o)...)
	for _, p := range Plan(s, o).Interfaces {
		d.Checks = append(d.Checks, interfaceCheck(s, p))
	}
	return d
}

func kernelCheck() control.Check {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return control.Check{Name: "kernel", Outcome: control.Warning, Detail: err.Error()}
	}
	return control.Check{Name: "kernel", Outcome: control.OK,
		Detail: "Linux " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])}
}

func capabilityCheck() control.Check {
	if err := checkCapabilities(); err != nil {
		return control.Check{Name: "capabilities", Outcome: control.Failure, Detail: strings.TrimPrefix(err.Error(), "agent: ")}
	}
	return control.Check{Name: "capabilities", Outcome: control.OK, Detail: "all that honed needs"}
}

func fibCheck(k emit.Kernel) control.Check {
	if !k.FIBLookup {
		return control.Check{Name: "live route lookup", Outcome: control.Warning,
			Detail: "bpf_fib_lookup is missing: multipath routes and packets during route changes are left to the kernel"}
	}
	return control.Check{Name: "live route lookup", Outcome: control.OK, Detail: "bpf_fib_lookup"}
}

func vlanCheck(k emit.Kernel) control.Check {
	if k.VethTag == nil {
		return control.Check{Name: "vlan tags on veth", Outcome: control.Warning,
			Detail: "the kernel's BTF does not tell where a tag stands: veth is left to the kernel"}
	}
	return control.Check{Name: "vlan tags on veth", Outcome: control.OK, Detail: "visible"}
}

func connectionCheck(k emit.Kernel) control.Check {
	c := control.Check{Name: "tracked connections", Outcome: control.OK, Detail: "bpf_xdp_ct_lookup"}
	switch {
	case k.Conntrack != nil && k.Conntrack.Module != 0:
		c.Detail += " of the module nf_conntrack"
	case k.Conntrack != nil:
	case !fastpath.LoadedModules().Tracks():
		c.Detail = "none: nf_conntrack is not loaded"
	default:
		c.Outcome, c.Detail = control.Warning, "the kernel has no bpf_xdp_ct_lookup, bpf_rdonly_cast or types, CAP_SYS_ADMIN for those of "+
			"a module is missing, or this is not amd64: where connections are tracked, packets are left to the kernel"
	}
	return c
}

// tracingCheck and moduleCheck tell what a machine allows; that it does not is no fault.
func tracingCheck() control.Check {
	detail := "fentry programs can be loaded, by which packets are counted for connections (nf_conntrack_acct)"
	if err := fastpath.Tracing(); err != nil {
		detail = "fentry programs cannot be loaded: where packets are counted for connections (nf_conntrack_acct), tracked ones are left to the kernel"
	}
	return control.Check{Name: "tracing", Outcome: control.OK, Detail: detail}
}

func moduleCheck() control.Check {
	detail := "none is loaded, or has types that can be read"
	if n := fastpath.ModuleTypes(); n > 0 {
		detail = fmt.Sprintf("the types of %d can be read", n)
	}
	return control.Check{Name: "modules", Outcome: control.OK, Detail: detail}
}

// redirectCheck looks for an interface that says that it takes redirected frames: older kernels say so of none, and
// nothing is forwarded there.
func redirectCheck(s *introspect.Snapshot) control.Check {
	c := control.Check{Name: "redirects", Outcome: control.OK, Detail: "the kernel tells which interfaces take them"}
	for _, l := range s.Links.All() {
		if l.XDPFeatures != 0 {
			return c
		}
	}
	c.Outcome, c.Detail = control.Warning, "no interface tells its XDP features (Linux 6.3): packets are left to the kernel"
	return c
}

// absentChecks name the interfaces that the configuration has a hook for, and that are not there by that name.
func absentChecks(s *introspect.Snapshot, o Options) (all []control.Check) {
	for _, name := range slices.Sorted(maps.Keys(o.Config.Interfaces)) {
		detail := "has a hook in the configuration, and there is no such interface"
		link, err := linkNamed(s, name)
		switch {
		case err == nil && link.Name == name:
			continue
		case err == nil:
			detail = "has a hook in the configuration, which counts for " + link.Name + " by that name only"
		}
		all = append(all, control.Check{Name: "interface " + name, Outcome: control.Warning, Detail: detail})
	}
	return all
}

// takesFrames is the bit of Link.XDPFeatures for a device that frames can be redirected to (NETDEV_XDP_ACT_NDO_XMIT).
const takesFrames = 1 << 2

// interfaceCheck says what an interface allows and whether somebody else is on it.
func interfaceCheck(s *introspect.Snapshot, p control.Planned) control.Check {
	link, _ := s.Links.Get(introspect.Index(p.Index))
	kind := link.Kind
	if kind == "" {
		kind = "device"
	}
	facts := fmt.Sprintf("%s, mtu %d, xdp features %#x", kind, link.MTU, link.XDPFeatures)
	c := control.Check{Name: "interface " + p.Name, Outcome: control.OK, Detail: facts + ": can be accelerated, " + p.Mode}
	if p.Accelerate {
		if link.XDPFeatures != 0 && link.XDPFeatures&takesFrames == 0 {
			c.Outcome, c.Detail = control.Warning, c.Detail+", but takes no redirected frames: what leaves by it is the kernel's"
			if link.Kind == "veth" {
				c.Detail += "; ethtool -K NAME gro on changes that, at its far end"
			}
		}
		return c
	}
	c.Detail = fmt.Sprintf("%s: left to the kernel: %s: %s", facts, p.Reason, p.Detail)
	if p.Reason == slowpath.ForeignXDP.String() || p.Reason == slowpath.Unknown.String() {
		c.Outcome = control.Warning
	}
	return c
}
