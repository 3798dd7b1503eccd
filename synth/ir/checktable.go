package ir

import (
	"fmt"
	"math/bits"

	"github.com/hone-net/hone/slowpath"
)

// checkTables checks the shapes of the tables.
func (c *checker) checkTables() error {
	names := map[string]bool{}
	for i, t := range c.p.Tables {
		if t == nil || !isName(t.Name) || names[t.Name] {
			return fmt.Errorf("table %d has no name of its own", i)
		}
		names[t.Name], c.tables[t] = true, true
		if err := t.check(); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// Limits of tables.
const (
	maxRows    = 1 << 24
	maxRowSize = 4096
	minRowSize = 2
	maxBlocks  = 1 << 15
)

func (t *Table) check() error {
	if t.Data != nil && len(t.Data) != t.Bytes() {
		return fmt.Errorf("%d bytes of contents, not %d", len(t.Data), t.Bytes())
	}
	if t.Domain >= slowpath.NumDomains {
		return fmt.Errorf("no domain %d", t.Domain)
	}
	switch t.Kind {
	case Rows, Hash:
		return t.checkRows()
	case Keyed:
		if t.Size < 2 || t.RowSize < keyBytes || t.Factor&1 == 0 {
			return fmt.Errorf("%d rows of %d bytes, factor %#x", t.Size, t.RowSize, t.Factor)
		}
		return t.checkRows()
	case LPM:
		if !powerOfTwo(t.Size, maxBlocks) {
			return fmt.Errorf("%d blocks", t.Size)
		}
		if n := t.Focus4.Len; n != 0 && n != 8 && n != 16 {
			return fmt.Errorf("focus of %d bits", n)
		}
		return t.Focus4.check()
	case Packed:
		if !powerOfTwo(t.Blocks, maxBlocks) || !powerOfTwo(t.Size, MaxUnitsPacked) {
			return fmt.Errorf("%d blocks, %d units", t.Blocks, t.Size)
		}
		return nil
	case Set:
		for _, p := range t.Prefixes {
			if err := p.check(); err != nil {
				return err
			}
		}
		return nil
	case LPM6:
		if t.Steps < 1 || t.Steps > MaxSteps || !powerOfTwo(t.Size, MaxUnits6) {
			return fmt.Errorf("%d units, walks of %d steps", t.Size, t.Steps)
		}
		return t.checkFocus()
	case Set6:
		for _, p := range t.Prefixes6 {
			if err := p.check(); err != nil {
				return err
			}
		}
		return nil
	case FIB, FIB6:
		return nil
	case Conntrack, Conntrack6:
		return t.checkConntrack()
	case Tallies:
		if !powerOfTwo(t.Size, maxRows) {
			return fmt.Errorf("%d pairs", t.Size)
		}
		return nil
	}
	return fmt.Errorf("no kind %d", t.Kind)
}

func (p Prefix) check() error {
	if p.Len < 0 || p.Len > 32 || p.Addr&^p.Mask() != 0 {
		return fmt.Errorf("no prefix %08x/%d", p.Addr, p.Len)
	}
	return nil
}

func (p Prefix6) check() error {
	if hi, lo := p.Mask(); p.Len < 0 || p.Len > 128 || p.Hi&^hi|p.Lo&^lo != 0 {
		return fmt.Errorf("no prefix %016x%016x/%d", p.Hi, p.Lo, p.Len)
	}
	return nil
}

func (t *Table) checkFocus() error {
	if t.Leaves && (t.Size < LeastFront6 || t.Focus.Len > 0) {
		return fmt.Errorf("leaves and a focus of %d bits in %d units", t.Focus.Len, t.Size)
	}
	if n := t.Focus.Len; n > MostFocus || n%8 != 0 || n > 0 && t.Size <= FocusUnits {
		return fmt.Errorf("focus of %d bits in %d units", n, t.Size)
	}
	return t.Focus.check()
}

func (t *Table) checkRows() error {
	if !powerOfTwo(t.Size, maxRows) || !powerOfTwo(t.RowSize, maxRowSize) || t.RowSize < minRowSize {
		return fmt.Errorf("%d rows of %d bytes", t.Size, t.RowSize)
	}
	seen := map[string]bool{}
	for _, f := range t.Fields {
		if !isName(f.Name) || seen[f.Name] || !validWidth(f.Width) || f.Offset < 0 || f.Offset%int(f.Width) != 0 ||
			f.Offset+int(f.Width) > t.RowSize {
			return fmt.Errorf("field %q of %d bytes at %d", f.Name, f.Width, f.Offset)
		}
		seen[f.Name] = true
	}
	return nil
}

func powerOfTwo(n, most int) bool { return n > 0 && n <= most && bits.OnesCount(uint(n)) == 1 }

// Mask has the prefix's first Len bits set.
func (p Prefix) Mask() uint32 {
	if p.Len <= 0 {
		return 0
	}
	return ^uint32(0) << (32 - p.Len)
}

// Contains tells whether an address lies in the prefix.
func (p Prefix) Contains(addr uint32) bool { return addr&p.Mask() == p.Addr }

// Mask has the prefix's first Len bits set, in two numbers.
func (p Prefix6) Mask() (hi, lo uint64) {
	n := min(max(p.Len, 0), 128)
	return ^uint64(0) << (64 - min(n, 64)), ^uint64(0) << (128 - max(n, 64))
}

// Contains tells whether an address lies in the prefix.
func (p Prefix6) Contains(hi, lo uint64) bool {
	maskHi, maskLo := p.Mask()
	return hi&maskHi == p.Hi && lo&maskLo == p.Lo
}
