package synth

import "github.com/hone-net/hone/introspect"

// Options are what decisions depend on beside the configuration of the network.
type Options struct {
	// Hook is what the administrator wants for the interface: "auto" (or ""), "xdp", "xdp-generic" or "off".
	Hook string
	// Off tells whether the administrator wants an interface to be left alone whose packets another one's program routes: a VLAN
	// device, or a bridge; nil: none.
	Off func(introspect.Link) bool
	// OurXDP tells whether the program with this id is one of ours; nil: none is.
	OurXDP func(progID uint32) bool
	// VethTag tells whether programs can see the VLAN tag of a frame on a veth.
	VethTag bool
	// VethSummed tells whether programs can see, for a frame on a veth, that its checksum is yet to be completed.
	VethSummed bool
	// FIBLookup tells whether programs can ask the kernel's live route lookup.
	FIBLookup bool
	// Ruleset tells whether programs are to follow the ruleset; else the packets that it sees are left alone, as too much.
	Ruleset bool
	// Tallies tells whether programs follow rules that count, and count themselves; else what these match is the kernel's.
	Tallies bool
	// Steps is how many steps of rules a program has at most; 0 is MostSteps. What follows them is the kernel's.
	Steps int
	// Conntrack tells whether programs may decide packets of established connections where connections are tracked.
	Conntrack bool
	// Accounts tells whether programs can count packets for each connection, where the kernel does.
	Accounts bool
}

// MostSteps is how many steps of rules a program has where nobody says anything else: more of them may be too much for the
// kernel's verifier, which follows many ways through rules that only count.
const MostSteps = 500

func (o Options) steps() int {
	if o.Steps == 0 {
		return MostSteps
	}
	return o.Steps
}

// off is Off of a link that has no program.
func (o Options) off(l introspect.Link) bool {
	return o.Off != nil && (l.Kind == kindVLAN || l.Kind == kindBridge) && o.Off(l)
}

func (o Options) ours(id uint32) bool { return o.OurXDP != nil && o.OurXDP(id) }

// generic tells whether the program runs where the kernel has made a socket buffer already.
func (o Options) generic() bool { return o.Hook == "xdp-generic" }
