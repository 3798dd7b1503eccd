package introspect

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// record makes TestRecorded write what it otherwise compares.
var record = flag.Bool("record", false, "record testdata/host.nl from a namespace of this kernel")

const (
	recordedMessages = "testdata/host.nl"
	recordedText     = "testdata/host.txt"
)

// recorded reads the messages of a dump: a line has their type, their flags and their payload.
func recorded(t testing.TB) []netlink.Message {
	t.Helper()
	text, err := os.ReadFile(recordedMessages)
	if err != nil {
		t.Fatal(err)
	}
	var all []netlink.Message
	for line := range strings.Lines(string(text)) {
		var m netlink.Message
		var payload string
		if _, err := fmt.Sscanf(line, "%d %d %s", &m.Header.Type, &m.Header.Flags, &payload); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m.Data, err = hex.DecodeString(payload); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func foldAll(t testing.TB, all []netlink.Message) *Snapshot {
	t.Helper()
	s := &Snapshot{}
	for _, m := range all {
		var err error
		if s, _, err = s.Fold(m); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// sameText compares a Snapshot with the text in a file.
func sameText(t *testing.T, file string, s *Snapshot) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.String() != string(want) {
		wanted, err := ParseSnapshot(want)
		t.Errorf("want %v\n%s", err, Diff(wanted, s))
	}
}

// TestRecorded folds a recorded dump and compares the text of the outcome.
func TestRecorded(t *testing.T) {
	if *record {
		inNamespace(t, func(run func(string)) { recordHost(t, run) })
	}
	s := foldAll(t, recorded(t))
	sameText(t, recordedText, s)
}

func recordHost(t *testing.T, run func(string)) {
	run(base)
	run(routeCommands)
	run(routeCommands6)
	run(`ip link add br0 type bridge
		ip link set a0 master br0
		bridge fdb add 02:00:00:00:00:03 dev a0 master static sticky
		bridge link set dev a0 isolated on
		ip link property add dev r0 altname other
		ip link set r0 alias "to a"
		ip neigh add 10.2.0.2 lladdr 02:00:00:00:00:02 dev r1 nud permanent
		ip neigh add 10.2.0.4 dev r1 nud failed
		tc qdisc add dev r0 clsact`)
	c, err := dialRoute()
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	var text strings.Builder
	for k := Links; k < Silent; k <<= 1 {
		if k == Filters {
			continue
		}
		all, err := dump(c, k)
		if err != nil && k != VLANs {
			t.Error(err)
		}
		for _, m := range all {
			fmt.Fprintf(&text, "%d %d %x\n", m.Header.Type, m.Header.Flags, m.Data)
		}
	}
	err = ask(c, request{unix.RTM_GETLINK, header(sizeofIfInfomsg, unix.AF_BRIDGE)}, func() {}, func(m netlink.Message) error {
		fmt.Fprintf(&text, "%d %d %x\n", m.Header.Type, m.Header.Flags, m.Data)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	fmt.Fprintf(&text, "%d 2 %x\n", unix.RTM_NEWVLAN, someVLANs(2))
	fmt.Fprintf(&text, "%d 2 %x\n", unix.RTM_NEWLINK, mappedVLAN)
	write(t, recordedMessages, text.String())
	write(t, recordedText, foldAll(t, recorded(t)).String())
}

// someVLANs is what a kernel that filters VLANs says of a port: VLAN 1, untagged, and a range of tagged ones.
func someVLANs(port uint32) []byte {
	b := native.AppendUint32(header(4, unix.AF_BRIDGE), port)
	entry := func(info uint32, more ...byte) {
		b = append(b, nested(vlanEntry, 16+len(more))...)
		b = append(append(b, attribute32(vlanInfo, info)...), 5, 0, vlanState, 0, PortForwarding, 0, 0, 0)
		b = append(b, more...)
	}
	entry(1<<16 | vlanInfoPVID | vlanInfoUntagged)
	entry(10<<16, 6, 0, vlanRange, 0, 12, 0, 0, 0)
	return b
}

func write(t *testing.T, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// fuzzFold feeds payloads to the decoder of one kind, as news and as deletions.
func fuzzFold(f *testing.F, kind, gone uint16) {
	all := recorded(f)
	host := foldAll(f, all)
	f.Add([]byte{}, uint16(0))
	for _, m := range all {
		if uint16(m.Header.Type) == kind {
			f.Add(m.Data, uint16(netlink.Replace))
			f.Add(m.Data[:len(m.Data)-1], uint16(netlink.Multi))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, flags uint16) {
		for _, kind := range []uint16{kind, gone} {
			m := netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.HeaderFlags(flags)}, Data: data}
			s, _, err := host.Fold(m)
			if (err != nil || host.Equal(s)) != (s == host) {
				t.Fatalf("error %v, and %s", err, Diff(host, s))
			}
			back, err := ParseSnapshot([]byte(s.String()))
			if err != nil || !back.Equal(s) {
				t.Fatalf("%v: does not round-trip:\n%s", err, Diff(host, s))
			}
			// A rule may stand twice, and a dump shows it so.
			twice, _, err := s.Fold(m)
			if kind != gone && kind != unix.RTM_NEWRULE && s != host && (err != nil || !twice.Equal(s)) {
				t.Fatalf("folded twice (%v) it changes\n%s", err, Diff(s, twice))
			}
		}
	})
}

func FuzzLink(f *testing.F)    { fuzzFold(f, unix.RTM_NEWLINK, unix.RTM_DELLINK) }
func FuzzAddr(f *testing.F)    { fuzzFold(f, unix.RTM_NEWADDR, unix.RTM_DELADDR) }
func FuzzRoute(f *testing.F)   { fuzzFold(f, unix.RTM_NEWROUTE, unix.RTM_DELROUTE) }
func FuzzNexthop(f *testing.F) { fuzzFold(f, unix.RTM_NEWNEXTHOP, unix.RTM_DELNEXTHOP) }
func FuzzNeigh(f *testing.F)   { fuzzFold(f, unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH) }
func FuzzVLAN(f *testing.F)    { fuzzFold(f, unix.RTM_NEWVLAN, unix.RTM_DELVLAN) }
func FuzzNetconf(f *testing.F) { fuzzFold(f, unix.RTM_NEWNETCONF, unix.RTM_DELNETCONF) }
func FuzzQdisc(f *testing.F)   { fuzzFold(f, unix.RTM_NEWQDISC, unix.RTM_DELQDISC) }
func FuzzFilter(f *testing.F)  { fuzzFold(f, unix.RTM_NEWTFILTER, unix.RTM_DELTFILTER) }

func FuzzRule(f *testing.F) { fuzzFold(f, unix.RTM_NEWRULE, unix.RTM_DELRULE) }

// TestCutShort cuts every recorded message everywhere: one cut inside its header or inside an attribute is an error.
func TestCutShort(t *testing.T) {
	cuts := 0
	for _, m := range recorded(t) {
		if _, _, err := new(Snapshot).Fold(m); err != nil {
			t.Fatal(err)
		}
		for n := range m.Data {
			if !inside(m, n) {
				continue
			}
			cut := m
			cut.Data, cuts = m.Data[:n], cuts+1
			if s, _, err := new(Snapshot).Fold(cut); err == nil {
				t.Errorf("type %d cut to %d bytes passes as %s", m.Header.Type, n, s)
			}
		}
	}
	if cuts < 5000 {
		t.Errorf("only %d cuts", cuts)
	}
}

// inside tells whether a cut to n bytes leaves half of a header or attribute.
func inside(m netlink.Message, n int) bool {
	at := align4(sizeofHeader(m))
	if n < at {
		return n < sizeofHeader(m)
	}
	for at < n {
		size := int(native.Uint16(m.Data[at:]))
		if n < at+size {
			return true
		}
		at += align4(size)
	}
	return false
}

func sizeofHeader(m netlink.Message) int {
	switch uint16(m.Header.Type) {
	case unix.RTM_NEWVLAN:
		return sizeofVLANMsg
	case unix.RTM_NEWLINK:
		return sizeofIfInfomsg
	case unix.RTM_NEWADDR, unix.RTM_NEWNEXTHOP:
		return unix.SizeofIfAddrmsg
	case unix.RTM_NEWQDISC:
		return sizeofTcmsg
	case unix.RTM_NEWNETCONF:
		return sizeofNetconfmsg
	}
	return sizeofRuleHdr
}
