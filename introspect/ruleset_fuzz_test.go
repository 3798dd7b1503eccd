package introspect

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	recordedRuleset     = "testdata/ruleset.nl"
	recordedRulesetText = "testdata/ruleset.txt"
)

// rulesetDumps are the messages of a ruleset, as they were recorded: a line has the type and the payload.
func rulesetDumps(t testing.TB) (all []netlink.Message) {
	t.Helper()
	text, err := os.ReadFile(recordedRuleset)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var m netlink.Message
		var payload string
		if _, err := fmt.Sscanf(line, "%d %s", &m.Header.Type, &payload); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m.Data, err = hex.DecodeString(payload); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// recordRuleset dumps everyExpression.
func recordRuleset(t *testing.T, run func(string)) {
	run("ip link add v0 type veth peer name v1")
	if problem := loadRuleset(everyExpression); problem != "" {
		t.Error(problem)
		return
	}
	k, err := openSensors()
	if err != nil {
		t.Error(err)
		return
	}
	defer k.close()
	s, err := k.readRuleset(new(Snapshot))
	if err != nil {
		t.Error(err)
		return
	}
	var text strings.Builder
	note := func(q request) {
		err := ask(k.netfilter, q, func() {}, func(m netlink.Message) error {
			fmt.Fprintf(&text, "%d %x\n", uint16(m.Header.Type)&0xff, m.Data)
			return nil
		})
		if err != nil && !absent(err) {
			t.Error(err)
		}
	}
	for _, kind := range []uint16{unix.NFT_MSG_GETTABLE, unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_GETRULE, unix.NFT_MSG_GETSET, unix.NFT_MSG_GETOBJ} {
		note(nftRequest(kind))
	}
	for key, v := range s.Sets.All() {
		if !v.Fluid() {
			note(elementsRequest(key))
		}
	}
	write(t, recordedRuleset, text.String())
	p := pictureOf(t, rulesetDumps(t))
	write(t, recordedRulesetText, new(Snapshot).withRuleset(p).String())
}

// pictureOf takes messages as a dump does.
func pictureOf(t testing.TB, all []netlink.Message) *picture {
	p := newPicture()
	for _, m := range all {
		if err := p.takeMessage(uint16(m.Header.Type), m.Data); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *picture) takeMessage(kind uint16, b []byte) error {
	switch kind {
	case unix.NFT_MSG_NEWTABLE:
		return p.takeTable(b)
	case unix.NFT_MSG_NEWCHAIN:
		return p.takeChain(b)
	case unix.NFT_MSG_NEWRULE:
		return p.takeRule(b)
	case unix.NFT_MSG_NEWSET:
		return p.takeSet(b)
	case unix.NFT_MSG_NEWOBJ:
		return p.takeObject(b)
	case unix.NFT_MSG_NEWFLOWTABLE:
		return p.takeFlowtable(b)
	case unix.NFT_MSG_NEWSETELEM:
		e, err := decodeElements(b)
		v := p.sets[e.set]
		for _, one := range e.all {
			put(&v.Elements, false, one.Key, one)
		}
		if _, ok := p.sets[e.set]; ok {
			p.sets[e.set] = v
		}
		return err
	}
	_, err := decodeGeneration(b)
	return err
}

// TestRecordedRuleset decodes recorded dumps and compares the text of the outcome.
func TestRecordedRuleset(t *testing.T) {
	if *record {
		inNamespace(t, func(run func(string)) { recordRuleset(t, run) })
	}
	sameText(t, recordedRulesetText, new(Snapshot).withRuleset(pictureOf(t, rulesetDumps(t))))
}

// TestRulesetCutShort cuts every recorded message everywhere: nothing panics, and a rule that is not cut between its
// attributes is an error or has an expression that is Opaque.
func TestRulesetCutShort(t *testing.T) {
	for _, m := range rulesetDumps(t) {
		for n := range m.Data {
			_ = newPicture().takeMessage(uint16(m.Header.Type), m.Data[:n])
		}
	}
}

// FuzzRuleset feeds the decoders of nftables: what they accept round-trips as text.
func FuzzRuleset(f *testing.F) {
	all := rulesetDumps(f)
	for _, m := range all {
		f.Add(uint16(m.Header.Type), m.Data)
	}
	f.Fuzz(func(t *testing.T, kind uint16, b []byte) {
		p := newPicture()
		if k, _, err := decodeChainRule(b); err == nil && kind == unix.NFT_MSG_NEWRULE {
			p.chains[k] = &Chain{Key: k}
		}
		if e, err := decodeElements(b); err == nil && kind == unix.NFT_MSG_NEWSETELEM {
			p.sets[e.set] = Set{Key: e.set}
		}
		if p.takeMessage(kind, b) != nil {
			return
		}
		s := new(Snapshot).withRuleset(p)
		back, err := ParseSnapshot([]byte(s.String()))
		if err != nil || !back.Equal(s) {
			t.Fatalf("%v: does not round-trip:\n%s", err, Diff(s, back))
		}
	})
}
