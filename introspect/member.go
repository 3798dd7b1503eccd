package introspect

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// member names a member of a member of a kernel structure.
type member struct {
	structure string
	path      []string
}

// locate finds where members are in this kernel, in bytes from the beginning of their structure.
func locate(members map[*uint32]member) error {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("introspect: read BTF: %w", err)
	}
	for at, m := range members {
		var s *btf.Struct
		if err := spec.TypeByName(m.structure, &s); err != nil {
			return fmt.Errorf("introspect: find struct %s: %w", m.structure, err)
		}
		var ok bool
		if *at, ok = offsetIn(s.Members, m.path); !ok {
			return fmt.Errorf("introspect: find member %v of struct %s: not in BTF", m.path, m.structure)
		}
	}
	return nil
}

// offsetIn follows a path of names; members without a name hold others that are named as if they were their siblings.
func offsetIn(members []btf.Member, path []string) (uint32, bool) {
	for _, m := range members {
		rest := path
		switch {
		case m.Name == path[0] && len(path) == 1:
			return m.Offset.Bytes(), true
		case m.Name == path[0]:
			rest = path[1:]
		case m.Name != "":
			continue
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if at, ok := offsetIn(inner, rest); ok {
			return m.Offset.Bytes() + at, true
		}
	}
	return 0, false
}
