package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/control"
)

var testAccounts = newAccounts([]control.Account{
	{Protocol: 6, Source: netip.MustParseAddrPort("10.0.0.1:1234"), Destination: netip.MustParseAddrPort("10.2.0.1:7"),
		Original: control.Sum{Packets: 100, Bytes: 9000}, Reply: control.Sum{Packets: 50, Bytes: 2600}},
	{Protocol: 17, Source: netip.MustParseAddrPort("[2001:db8::1]:5"), Destination: netip.MustParseAddrPort("[2001:db8::2]:53"),
		Original: control.Sum{Packets: 1, Bytes: 100}},
	{Protocol: 17, Source: netip.MustParseAddrPort("10.0.0.1:1234"), Destination: netip.MustParseAddrPort("10.2.0.1:9"),
		Original: control.Sum{Packets: 1, Bytes: 100}},
})

const tcpEntry = "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.2.0.1 sport=1234 dport=7 packets=3 bytes=200 " +
	"src=10.2.0.1 dst=10.9.0.1 sport=7 dport=999 packets=2 bytes=120 [ASSURED] mark=5 use=1"

var entryLines = []struct{ is, want string }{
	{tcpEntry, strings.NewReplacer("packets=3 bytes=200", "packets=103 bytes=9200", "packets=2 bytes=120", "packets=52 bytes=2720").Replace(tcpEntry)},
	{strings.Replace(tcpEntry, "dport=7 ", "dport=8 ", 1), strings.Replace(tcpEntry, "dport=7 ", "dport=8 ", 1)}, // another one
	{"ipv6     10 udp      17 29 src=2001:db8::1 dst=2001:db8::2 sport=5 dport=53 packets=1 bytes=51 [UNREPLIED] src=2001:db8::2 dst=2001:db8::1 sport=53 dport=5 packets=0 bytes=0 mark=0 use=1",
		"ipv6     10 udp      17 29 src=2001:db8::1 dst=2001:db8::2 sport=5 dport=53 packets=2 bytes=151 [UNREPLIED] src=2001:db8::2 dst=2001:db8::1 sport=53 dport=5 packets=0 bytes=0 mark=0 use=1"},
	// Of one that is not counted nothing is known, and one in a zone has a tuple that says nothing.
	{"ipv4     2 udp      17 29 src=10.0.0.1 dst=10.2.0.1 sport=1234 dport=9 src=10.2.0.1 dst=10.0.0.1 sport=9 dport=1234 mark=0 use=1",
		"ipv4     2 udp      17 29 src=10.0.0.1 dst=10.2.0.1 sport=1234 dport=9 src=10.2.0.1 dst=10.0.0.1 sport=9 dport=1234 mark=0 use=1"},
	{strings.Replace(tcpEntry, " use=", " zone=4 use=", 1), strings.Replace(tcpEntry, " use=", " zone=4 use=", 1)},
	{"nonsense", "nonsense"},
}

func TestConnectionsText(t *testing.T) {
	var lines []string
	var want strings.Builder
	for _, l := range entryLines {
		lines = append(lines, l.is)
		want.WriteString(l.want + "\n")
	}
	var out bytes.Buffer
	if err := (&options{}).connections(&out, testAccounts, lines); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestConnectionsJSON(t *testing.T) {
	var out bytes.Buffer
	icmp := "ipv4     2 icmp     1 29 src=127.0.0.1 dst=127.0.0.2 type=8 code=0 id=11035 src=127.0.0.2 dst=127.0.0.1 type=0 code=0 id=11035 mark=0 use=1"
	if err := (&options{json: true}).connections(&out, testAccounts, slices.Clone([]string{tcpEntry, icmp})); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"connections": [
		{"family": "ipv4", "protocol": "tcp", "number": 6, "timeout": 431999, "state": "ESTABLISHED", "flags": ["ASSURED"], "mark": 5, "use": 1,
			"original": {"src": "10.0.0.1", "dst": "10.2.0.1", "sport": 1234, "dport": 7, "packets": 103, "bytes": 9200},
			"reply": {"src": "10.2.0.1", "dst": "10.9.0.1", "sport": 7, "dport": 999, "packets": 52, "bytes": 2720}},
		{"family": "ipv4", "protocol": "icmp", "number": 1, "timeout": 29, "flags": [], "mark": 0, "use": 1,
			"original": {"src": "127.0.0.1", "dst": "127.0.0.2", "type": 8, "code": 0, "id": 11035},
			"reply": {"src": "127.0.0.2", "dst": "127.0.0.1", "type": 0, "code": 0, "id": 11035}}]}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
