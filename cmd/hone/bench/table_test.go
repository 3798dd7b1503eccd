package bench

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
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

// FuzzReadPrefixes reads arbitrary files of routes: what they give is of one family and has no bits behind its length.
func FuzzReadPrefixes(f *testing.F) {
	f.Add([]byte("192.0.2.0/24\n2001:db8::/32\n"), false)
	f.Add([]byte("192.0.2.1/24\n"), false)
	f.Add([]byte("192.0.2.1/24\r\n::ffff:192.0.2.0/120\n"), true)
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x33\xd4\xb3\x34\xd2\x33\xd0\x33\xd0\x37\x32\xe1\x02\x00\x00\x00\xff\xff"), false)
	path := filepath.Join(f.TempDir(), "routes")
	f.Fuzz(func(t *testing.T, text []byte, six bool) {
		for _, suffix := range []string{"", ".gz"} {
			if err := os.WriteFile(path+suffix, text, 0o600); err != nil {
				t.Fatal(err)
			}
			all, err := readPrefixes(path+suffix, six)
			if (err == nil) != (len(all) > 0) || err != nil && !strings.HasPrefix(err.Error(), "bench: read routes: ") || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d prefixes, %v", len(all), err)
			}
			for _, p := range all {
				if !p.IsValid() || p != p.Masked() || p.Addr().Is6() != six {
					t.Errorf("%v of %q", p, text)
				}
			}
		}
	})
}
