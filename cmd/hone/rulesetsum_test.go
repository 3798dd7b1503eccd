package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/control"
)

var testTallies = []control.Tally{
	{Family: "ip", Table: "t", TableHandle: 1, Object: "web", Handle: 2, Packets: 7, Bytes: 70},
	{Family: "ip", Table: "t", TableHandle: 1, Chain: "f", Handle: 4, Packets: 1000, Bytes: 60000},
	{Family: "ip", Table: "t", TableHandle: 1, Chain: "f", Handle: 6, Nth: 1, Packets: 5, Bytes: 50},
	{Family: "ip", Table: "t", TableHandle: 9, Chain: "f", Handle: 7, Packets: 5, Bytes: 50}, // of a table that is gone
}

const listed = `# Warning: table ip t is managed by iptables-nft, do not touch!
table ip t { # handle 1
	counter web { # handle 2
		comment "is packets 3 bytes 4"
		packets 1 bytes 9
	}

	set s { # handle 3
		type ipv4_addr
		counter
		elements = { 10.0.0.1 counter packets 0 bytes 0 }
	}

	chain f { # handle 5
		type filter hook forward priority filter; policy accept;
		udp dport 53 counter packets 3 bytes 4 accept comment "counter packets 1 bytes 2" # handle 4
		counter packets 0 bytes 0 udp dport { 1-200 } counter packets 1 bytes 1 counter name "web" accept # handle 6
		counter packets 2 bytes 2 # handle 7
	}
}
`

func TestRulesetText(t *testing.T) {
	want := strings.NewReplacer("packets 1 bytes 9", "packets 8 bytes 79", "packets 3 bytes 4 accept", "packets 1003 bytes 60004 accept",
		"packets 1 bytes 1 counter", "packets 6 bytes 51 counter").Replace(listed)
	if diff := cmp.Diff(want, string(newSums(testTallies).addText([]byte(listed), true))); diff != "" {
		t.Error(diff)
	}
	bare := regexp.MustCompile(`(?m) # handle [0-9]+$`).ReplaceAllString(want, "")
	if diff := cmp.Diff(bare, string(newSums(testTallies).addText([]byte(listed), false))); diff != "" {
		t.Error(diff)
	}
}

const listedJSON = `{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "ip", "name": "t", "handle": 1}},
	{"counter": {"family": "ip", "name": "web", "table": "t", "handle": 2, "packets": 1, "bytes": 18446744073709551000}},
	{"set": {"family": "ip", "name": "s", "table": "t", "handle": 3, "stmt": [{"counter": null}]}},
	{"rule": {"family": "ip", "table": "t", "chain": "f", "handle": 4, "expr": [{"counter": {"packets": 3, "bytes": 4}}, {"accept": null}]}},
	{"rule": {"family": "ip", "table": "t", "chain": "f", "handle": 6,
		"expr": [{"counter": {"packets": 0, "bytes": 0}}, {"counter": {"packets": 1, "bytes": 1}}, {"counter": "web"}]}}]}`

func TestRulesetJSON(t *testing.T) {
	got, err := newSums(testTallies).addJSON([]byte(listedJSON))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(`1, "bytes": 18446744073709551000`, `8, "bytes": 18446744073709551070`, `3, "bytes": 4`, `1003, "bytes": 60004`,
		`1, "bytes": 1}`, `6, "bytes": 51}`).Replace(listedJSON)
	var x, y any
	if json.Unmarshal(got, &x) != nil || json.Unmarshal([]byte(want), &y) != nil {
		t.Fatalf("%s", got)
	}
	if diff := cmp.Diff(y, x); diff != "" {
		t.Error(diff)
	}
	if _, err := newSums(nil).addJSON([]byte(`{"nftables": 3}`)); err == nil {
		t.Error("no error")
	}
}

// FuzzRuleset: whatever nft says is no reason to panic.
func FuzzRuleset(f *testing.F) {
	f.Add(listed)
	f.Add("\tcounter x { # handle 99999999999999999999\npackets 1 bytes 99999999999999999999999")
	f.Fuzz(func(t *testing.T, text string) {
		newSums(testTallies).addText([]byte(text), false)
		newSums(testTallies).addJSON([]byte(text))
	})
}
