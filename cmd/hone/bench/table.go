package bench

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
)

// share is how many prefixes of a table have a length.
type share struct{ bits, count int }

// The lengths of the prefixes in an Internet router's table, in 2024.
var (
	internet4 = []share{{8, 16}, {9, 13}, {10, 38}, {11, 103}, {12, 299}, {13, 581}, {14, 1203}, {15, 2100}, {16, 13490}, {17, 8235},
		{18, 13798}, {19, 24870}, {20, 42611}, {21, 50750}, {22, 108623}, {23, 96510}, {24, 537698}, {25, 20}, {26, 3}, {27, 11},
		{28, 18}, {29, 17}, {30, 3}, {31, 3}, {32, 886}}
	internet6 = []share{{20, 16}, {24, 30}, {28, 193}, {29, 4371}, {30, 650}, {31, 284}, {32, 22548}, {33, 2926}, {34, 2603},
		{35, 1043}, {36, 5996}, {37, 880}, {38, 1617}, {39, 1377}, {40, 13418}, {41, 903}, {42, 2301}, {43, 1001}, {44, 14365},
		{45, 1553}, {46, 3039}, {47, 3153}, {48, 75488}, {56, 24}, {58, 20}, {64, 184}, {112, 2}, {125, 30}, {127, 42}, {128, 6}}
)

// internet gives the prefixes of a full table: those of the file that HONE_ROUTES names, one a line, perhaps compressed
// by gzip; without one, generated prefixes of the same number and lengths, which are always the same.
func internet(six bool) ([]netip.Prefix, error) {
	if path := os.Getenv("HONE_ROUTES"); path != "" {
		return readPrefixes(path, six)
	}
	if six {
		return generate(internet6, clustered6), nil
	}
	return generate(internet4, clustered4), nil
}

func readPrefixes(path string, six bool) (all []netip.Prefix, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("bench: read routes: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("bench: read routes: %s: %w", path, err)
		}
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p, err := netip.ParsePrefix(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("bench: read routes: %s: %w", path, err)
		}
		if p.Addr().Is6() == six {
			all = append(all, p.Masked())
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("bench: read routes: %s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("bench: read routes: %s has none of this family", path)
	}
	return all, nil
}

// generate makes different prefixes of the lengths that are asked for.
func generate(shares []share, address func(int, *rand.Rand) netip.Addr) (all []netip.Prefix) {
	w := rand.New(rand.NewPCG(3, 4))
	there := map[netip.Prefix]bool{}
	for _, s := range shares {
		for n := 0; n < s.count; {
			p := netip.PrefixFrom(address(s.bits, w), s.bits).Masked()
			if !there[p] && s.bits > 0 {
				there[p] = true
				all = append(all, p)
				n++
			}
		}
	}
	return all
}

// clustered4 makes addresses that are about as scattered as those that are announced: in 26,000 networks of 16 bits.
func clustered4(_ int, w *rand.Rand) netip.Addr {
	net := w.Uint32N(26000) * 2654435761 >> 16 % (223 << 8)
	if net>>8 == 0 || net>>8 == 10 || net>>8 == 127 {
		net += 1 << 8
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, net<<16|w.Uint32N(1<<16))))
}

// clustered6 does the same: in 60 networks of 16 bits and 19,000 of 28, of which those that are divided further have few
// branches.
func clustered6(bits int, w *rand.Rand) netip.Addr {
	nets := uint32(19000)
	if bits > 32 {
		nets = 10000
	}
	net := w.Uint32N(nets)
	high := 0x2<<24 | uint64(net%60*67+1)<<12 | uint64(net/60*2654435761>>20)
	for _, branches := range []uint32{2, 1, 2, 1} { // of every 4 bits down to 44
		high = high<<4 | (high*2654435761>>16+uint64(w.Uint32N(branches)))&15
	}
	high = high<<4 | uint64(w.Uint32N(16))
	return netip.AddrFrom16([16]byte(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, high<<16|uint64(w.Uint32N(1<<16))), w.Uint64())))
}
