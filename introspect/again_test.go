package introspect

import (
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// linkOf announces a link with a name and a MAC.
func linkOf(i Index, mac byte) netlink.Message {
	b := header(unix.SizeofIfInfomsg, unix.AF_UNSPEC)
	native.PutUint32(b[4:], uint32(i))
	b = append(native.AppendUint16(native.AppendUint16(b, 4+3), unix.IFLA_IFNAME), 'r', '0'+byte(i), 0, 0)
	b = append(native.AppendUint16(native.AppendUint16(b, 4+6), unix.IFLA_ADDRESS), 2, 0, 0, 0, 0, mac, 0, 0)
	return netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWLINK}, Data: b}
}

// TestAnotherMAC: when a device gets another address, links are read again, and only then.
func TestAnotherMAC(t *testing.T) {
	s, _, err := new(Snapshot).Fold(linkOf(3, 1))
	if err != nil {
		t.Fatal(err)
	}
	for mac, want := range map[byte]Kind{1: 0, 2: Links} {
		_, effect, err := s.Fold(linkOf(3, mac))
		if err != nil || effect.Resync&Links != want {
			t.Errorf("address %d: effect %v, error %v, want %v of the links", mac, effect, err, want)
		}
	}
}

// TestCommitOfTheGenerationRead: the end of a commit may come after the ruleset was read with its number, but without what it did.
func TestCommitOfTheGenerationRead(t *testing.T) {
	set := SetKey{Family: unix.NFPROTO_INET, Table: "t", Name: "s"}
	for id, again := range map[uint32]bool{6: false, 7: true} {
		w := &Watcher{s: &Snapshot{}, sensors: &sensors{ruleset: ruleset{known: true, generation: 7, following: true, folded: id - 1}}}
		w.commit = commit{heads: true, elements: []elementChange{{elements: elements{set: set}}}}
		w.endCommit(id)
		if r := w.stale.ruleset; r.whole || r.heads != again || r.sets[set] != again {
			t.Errorf("generation %d after a reading of 7: %+v is read again", id, r)
		}
	}
}
