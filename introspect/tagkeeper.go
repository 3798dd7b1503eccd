package introspect

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// tagKeeper tells whether the frames of a device keep their VLAN tags, unless the device strips them itself: whether no VLAN
// device stands on it. One that was moved to another network namespace, or made there, is invisible over netlink, and
// takes frames off all the same.
type tagKeeper struct {
	always bool // the kernel knows no VLAN devices
	onlooker
}

// newTagKeeper asks BTF. Where that does not help, no device is known to keep tags.
func newTagKeeper() *tagKeeper {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return &tagKeeper{}
	}
	var info, receive = locate(map[*uint32]member{new(uint32): {"net_device", []string{"vlan_info"}}}), new(btf.Func)
	if info != nil && errors.Is(kernel.TypeByName("vlan_do_receive", &receive), btf.ErrNotFound) {
		return &tagKeeper{always: true}
	}
	var vlans, count uint32
	if err := locate(map[*uint32]member{
		&vlans: {"net_device", []string{"vlan_info"}}, &count: {"vlan_info", []string{"grp", "nr_vlan_devs"}},
	}); err != nil {
		return &tagKeeper{}
	}
	return &tagKeeper{onlooker: newOnlooker(kernel, "hone_tags", notZero(word{vlans, 8}, word{count, 4}))}
}

// keeps asks about a device of the calling thread's network namespace.
func (k *tagKeeper) keeps(i Index) (bool, error) {
	if k.program == nil {
		return k.always, nil
	}
	answer, err := k.look(i)
	if err != nil {
		return false, fmt.Errorf("introspect: ask for VLAN devices: %w", err)
	}
	return answer == onlookerNo, nil
}

func (k *tagKeeper) close() error {
	if k == nil {
		return nil
	}
	return k.onlooker.close()
}

// readTags asks about all ports of bridges.
func (k *sensors) readTags(s *Snapshot) (*Snapshot, error) {
	for i := range s.Links.All() {
		var err error
		if s, err = k.readTagsOf(s, i); err != nil {
			return s, err
		}
	}
	return s, nil
}

// readTagsOf asks about one link. Of those that are not ports of a bridge nobody wants to know.
func (k *sensors) readTagsOf(s *Snapshot, i Index) (_ *Snapshot, err error) {
	l, ok := s.Links.Get(i)
	if !ok {
		return s, nil
	}
	l.KeepsTags = false
	if l.isPort() {
		if k.tags == nil {
			k.tags = newTagKeeper()
		}
		if l.KeepsTags, err = k.tags.keeps(i); err != nil {
			return s, err
		}
	}
	return s.withLink(l), nil
}

// withLink gives a Snapshot with a link as it is now, and s itself if it was so before.
func (s *Snapshot) withLink(l Link) *Snapshot {
	if old, ok := s.Links.Get(l.Index); ok && old.Equal(l) {
		return s
	}
	n := *s
	n.Links = s.Links.With(l.Index, l)
	return &n
}

// isPort tells whether a link is a port of a bridge.
func (l Link) isPort() bool { return l.SlaveKind == "bridge" }
