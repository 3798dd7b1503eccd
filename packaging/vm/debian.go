package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// unavailable is the error of what cannot be installed here; everything else is a failure.
type unavailable struct{ error }

func missing(format string, args ...any) error { return unavailable{fmt.Errorf(format, args...)} }

// needed are the programs that are run, and Debian's packages of them.
var needed = [][2]string{{"qemu-system-x86_64", "qemu-system-x86"}, {"busybox", "busybox-static"}, {"modprobe", "kmod"},
	{"depmod", "kmod"}, {"ldd", "libc-bin"}}

// install gets the packages that are missing.
func install() error {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	os.Setenv("DEBIAN_FRONTEND", "noninteractive")
	var packages []string
	for _, n := range needed {
		if _, err := exec.LookPath(n[0]); err != nil {
			packages = append(packages, n[1])
		}
	}
	if len(packages) == 0 {
		return nil
	}
	list := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return missing("missing packages, to be installed by root with apt-get: %s", list)
	}
	args := append([]string{"apt-get", "install", "-y", "-qq", "--no-install-recommends"}, packages...)
	if err := quietly("", args...); err == nil {
		return nil
	}
	if err := quietly("", "apt-get", "update", "-qq"); err != nil {
		return missing("read the package lists: %w", err)
	}
	if err := quietly("", args...); err != nil {
		return missing("install %s: %w", list, err)
	}
	return nil
}

// kernel is an unpacked kernel package.
type kernel struct {
	series  string // 6.1
	release string // what uname -r says
	image   string // path of vmlinuz
	root    string // holds lib/modules/RELEASE
}

// fetch finds the newest kernel of a series that apt offers, in the cache or by downloading it.
func fetch(cache, series string) (kernel, error) {
	name, err := offered(series)
	if err != nil {
		return cached(cache, series, err)
	}
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(dir); err != nil {
		if err := download(name, dir); err != nil {
			return cached(cache, series, err)
		}
	}
	return unpacked(series, dir)
}

// offered names the newest cloud kernel package of a series. The package lists are read anew if there is none.
func offered(series string) (string, error) {
	if _, err := exec.LookPath("apt-cache"); err != nil {
		return "", missing("no apt-cache")
	}
	pattern := `^linux-image-` + strings.ReplaceAll(series, ".", `\.`) + `\.[0-9].*cloud-amd64$`
	for range 2 {
		out, err := exec.Command("apt-cache", "search", "--names-only", pattern).Output()
		if err != nil {
			return "", missing("search for kernels: %w", err)
		}
		if name := newest(strings.Split(string(out), "\n")); name != "" {
			return name, nil
		}
		if err := quietly("", "apt-get", "update", "-qq"); err != nil {
			return "", missing("read the package lists: %w", err)
		}
	}
	return "", missing("the package sources offer no cloud kernel %s", series)
}

// newest picks the first word of the line with the greatest numbers in it.
func newest(lines []string) string {
	best := ""
	for _, l := range lines {
		name, _, _ := strings.Cut(l, " ")
		if name != "" && (best == "" || before(numbers(best), numbers(name))) {
			best = name
		}
	}
	return best
}

func numbers(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// before compares numbers in decimal, without leading zeros.
func before(a, b []string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if len(a[i]) != len(b[i]) {
			return len(a[i]) < len(b[i])
		}
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

// download gets a kernel package and unpacks it to dir, which exists only when that is complete.
func download(name, dir string) error {
	partial := dir + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := quietly(partial, "apt-get", "download", "-qq", name); err != nil {
		return missing("download %s: %w", name, err)
	}
	debs, _ := filepath.Glob(filepath.Join(partial, "*.deb"))
	if len(debs) != 1 {
		return missing("download %s: %d files came", name, len(debs))
	}
	if err := quietly(partial, "dpkg-deb", "-x", debs[0], "."); err != nil {
		return err
	}
	// Newer packages put the modules below usr, where depmod does not look.
	if _, err := os.Stat(filepath.Join(partial, "usr/lib/modules")); err == nil {
		if err := os.Rename(filepath.Join(partial, "usr/lib"), filepath.Join(partial, "lib")); err != nil {
			return err
		}
	}
	if err := os.Remove(debs[0]); err != nil {
		return err
	}
	return os.Rename(partial, dir)
}

// unpacked describes the kernel in a directory of the cache.
func unpacked(series, dir string) (kernel, error) {
	found, _ := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if len(found) != 1 {
		return kernel{}, fmt.Errorf("no kernel in %s: remove it", dir)
	}
	release := strings.TrimPrefix(filepath.Base(found[0]), "vmlinuz-")
	if err := quietly("", "depmod", "-b", dir, release); err != nil {
		return kernel{}, err
	}
	return kernel{series: series, release: release, image: found[0], root: dir}, nil
}

// cached falls back to what an earlier run has downloaded; without it, the cause is the answer.
func cached(cache, series string, cause error) (kernel, error) {
	found, _ := filepath.Glob(filepath.Join(cache, "linux-image-"+series+".*-amd64"))
	if len(found) == 0 {
		return kernel{}, cause
	}
	sort.Slice(found, func(i, j int) bool { return before(numbers(found[i]), numbers(found[j])) })
	return unpacked(series, found[len(found)-1])
}

// quietly runs a command in a directory; what it says is in the error.
func quietly(dir string, args ...string) error {
	c := exec.Command(args[0], args[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
