package bench

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestInternet(t *testing.T) {
	t.Setenv("HONE_ROUTES", "")
	for six, want := range map[bool]int{false: 901899, true: 160063} {
		all, err := internet(six)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[netip.Prefix]bool{}
		for _, p := range all {
			if p != p.Masked() || p.Addr().Is6() != six || !p.Contains(within(p)) || seen[p] {
				t.Fatalf("prefix %v, within %v, seen %t", p, within(p), seen[p])
			}
			seen[p] = true
		}
		if len(all) != want {
			t.Errorf("%d prefixes, want %d", len(all), want)
		}
	}
}

func TestReadPrefixes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routes")
	for text, want := range map[string]int{"192.0.2.0/24\n2001:db8::/32\n198.51.100.0/25\n": 2, "nonsense\n": -1, "2001:db8::/32\n": -1, "": -1} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readPrefixes(path, false)
		if (err != nil) != (want < 0) || err == nil && len(all) != want {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
}

// TestZipf sees that the first tenth of the ranks gets the share of all draws that the law gives it: about 0.84.
func TestZipf(t *testing.T) {
	var prefixes []netip.Prefix
	for i := range 10000 {
		prefixes = append(prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 0}), 24))
	}
	const draws = 1 << 19
	counts := map[netip.Addr]int{}
	for _, a := range zipf(prefixes, draws) {
		counts[a]++
	}
	often := 0
	for _, n := range counts {
		if n > draws/9788 { // rank 1000 gets a share of 1/(1000 H(10000)), where H(10000) is 9.788
			often += n
		}
	}
	if share := float64(often) / draws; share < 0.7 || share > 0.9 {
		t.Errorf("the first 1000 of 10000 have a share of %.2f", share)
	}
	if len(uniform(prefixes, draws)) != draws {
		t.Error("too few draws")
	}
}
