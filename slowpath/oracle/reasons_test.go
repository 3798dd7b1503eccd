package oracle

import (
	"slices"
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// elsewhere are the Reasons that no configuration here can show, and why.
var elsewhere = map[slowpath.Reason]string{
	slowpath.Aborted:        "an arm that cannot happen",
	slowpath.IPVS:           "the kernel may be without IPVS; introspect's tests read its file",
	slowpath.VRF:            "the kernel may be without VRF; synth's tests have a Snapshot of it",
	slowpath.NotEthernet:    "r0 is always Ethernet; synth's tests have a tun",
	slowpath.Loopback:       "r0 is never the loopback interface; synth's tests ask for it",
	slowpath.Member:         "the kernel may be without bonds and teams; TestKinds has them",
	slowpath.Bridge:         "r0 is never a bridge; synth's tests ask for one",
	slowpath.NoDriver:       "a veth has XDP; honed says it of drivers that have not",
	slowpath.AttachFailed:   "honed says it of a kernel that refuses a program",
	slowpath.NexthopUnknown: "the kernel removes the routes of a nexthop object before the object; synth's tests have a Snapshot of it",
	slowpath.NeighbourState: "a Snapshot leaves out neighbours that cannot be sent to; synth's tests have them",
	slowpath.EgressDown:     "the kernel marks the routes of such an interface as dead; synth's tests have a Snapshot of it",
	slowpath.TableFull:      "it takes more than 32000 ways or blocks; synth's tests fill the tables",
	slowpath.RouteExpires:   "it takes a kernel without the live lookup; synth's tests do without",
	slowpath.EgressDisabled: "the kernel removes the routes of such an interface; synth's tests have a Snapshot of it",

	slowpath.RulesetConn:      byConnections,
	slowpath.ConntrackWindow:  byConnections,
	slowpath.ConntrackSpecial: byConnections,
	slowpath.ConntrackNAT:     byConnections,
	slowpath.ConntrackAccount: "it takes an account that has ended a moment ago; the tests of emit have them",
}

// ofBridges are the Reasons that TestBridges shows.
var ofBridges = []slowpath.Reason{
	slowpath.Multicast, slowpath.FDBUnknown, slowpath.FDBLocal, slowpath.FDBSource, slowpath.FDBAgeing, slowpath.FDBEntry,
	slowpath.PortState, slowpath.PortIsolated, slowpath.BridgeProtocol, slowpath.BridgeTag, slowpath.BridgeAgeing,
	slowpath.BridgeRuleset, slowpath.BridgeState,
}

// ofVLANs are those that it takes a kernel with VLANs to show; synth's tests have them.
var ofVLANs = []slowpath.Reason{slowpath.BridgeVLAN, slowpath.PortVLAN, slowpath.BridgeTagTaken, slowpath.VLANOther, slowpath.VLANDevice}

// elsewhereOfBridges are those of them that no configuration here can show, and why.
var elsewhereOfBridges = map[slowpath.Reason]string{
	slowpath.FDBEntry: "it takes an entry that a locked port has made, or one that hone does not know; synth's tests have them",
}

const byConnections = "it takes the packets of a real connection; TestConnections has them"

// checkReasons wants every Reason to have been the fate of some packet or configuration.
func checkReasons(t *testing.T, results map[string]outcome) {
	t.Helper()
	seen := seenReasons(results)
	for _, r := range slowpath.Reasons() {
		if slices.Contains(ofBridges, r) || slices.Contains(ofVLANs, r) {
			continue
		}
		if why, ok := elsewhere[r]; !seen[r] && !ok {
			t.Errorf("no configuration shows the reason %s (%s)", r, r.Doc())
		} else if seen[r] && ok {
			t.Errorf("reason %s was seen, although: %s", r, why)
		}
	}
}

// checkReasonsOfBridges wants the same of the Reasons of bridges.
func checkReasonsOfBridges(t *testing.T, results map[string]outcome) {
	t.Helper()
	seen := seenReasons(results)
	for _, r := range ofBridges {
		if why, ok := elsewhereOfBridges[r]; seen[r] == ok {
			t.Errorf("reason %s: seen %v, although: %s", r, seen[r], why)
		}
	}
}

func seenReasons(results map[string]outcome) map[slowpath.Reason]bool {
	seen := map[slowpath.Reason]bool{}
	for _, o := range results {
		seen[o.refused] = true
		for run := range o.runs {
			for _, r := range o.reasons(run) {
				seen[r] = true
			}
		}
		for _, r := range o.alone {
			seen[r] = true
		}
	}
	return seen
}
