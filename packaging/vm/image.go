package main

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// initScript is the first and only service of the guest.
//
//go:embed init
var initScript string

// tools are the programs that tests run; those that this machine does not have are left out, and the tests skip.
var tools = []string{"sh", "ip", "tc", "bridge", "ss", "nft", "ethtool", "ping", "arping", "tcpdump", "traceroute", "tracepath",
	"iperf3", "conntrack", "sysctl", "setpriv", "kmod", "modprobe", "iptables-legacy", "ipset",
	"unshare", "iptables-nft", "ip6tables-nft", "iptables-nft-restore", "ip6tables-nft-restore"}

// moduleDirs are the parts of the kernel whose modules are taken along; what these need comes with them.
var moduleDirs = []string{"kernel/net/", "kernel/drivers/net/", "kernel/crypto/", "kernel/lib/"}

// writeImage makes what the kernel unpacks as its root.
func (m *machine) writeImage(path string, k kernel, tests []suite) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	a := newArchive(f)
	a.content("init", initScript)
	for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
		a.directory("usr/" + dir)
		a.link(dir, "usr/"+dir)
	}
	a.content("etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\ntcpdump:x:100:100::/:/bin/false\n")
	a.content("etc/group", "root:x:0:\nnogroup:x:65534:\ntcpdump:x:100:\n")
	addTools(a)
	addModules(a, k)
	a.content("tests/list", listing(tests))
	a.tree("tests", filepath.Join(m.work, "tests"))
	return a.close()
}

// addTools copies programs, the libraries that they load and the names that they know.
func addTools(a *archive) {
	if path, err := exec.LookPath("busybox"); err == nil {
		a.file("usr/bin/busybox", path)
	}
	for _, tool := range tools {
		path, err := exec.LookPath(tool)
		if err != nil {
			continue
		}
		a.file(inUsr(path), path)
		out, _ := exec.Command("ldd", path).Output() // a static program has none
		for _, word := range strings.Fields(string(out)) {
			if strings.HasPrefix(word, "/") {
				a.file(inUsr(word), word)
			}
		}
	}
	for _, data := range []string{"/usr/lib/x86_64-linux-gnu/xtables", "/usr/lib/tc", "/usr/share/iproute2", "/etc/iproute2"} {
		if exists(data) {
			a.tree(data[1:], data)
		}
	}
	for _, file := range []string{"/etc/protocols", "/etc/services"} {
		if exists(file) {
			a.file(file[1:], file)
		}
	}
}

// inUsr is the place of a file where bin, sbin, lib and lib64 are links to those below usr.
func inUsr(path string) string {
	path = strings.TrimPrefix(filepath.Clean(path), "/")
	if !strings.HasPrefix(path, "usr/") {
		path = "usr/" + path
	}
	return path
}

// addModules copies the modules of the wanted parts, and by what depmod has written those that they need.
func addModules(a *archive, k kernel) {
	dir := filepath.Join(k.root, "lib/modules", k.release)
	text, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	a.fail(err)
	to := "usr/lib/modules/" + k.release
	for _, line := range strings.Split(string(text), "\n") {
		if !wanted(line) {
			continue
		}
		for _, module := range strings.Fields(strings.Replace(line, ":", " ", 1)) {
			a.file(filepath.Join(to, module), filepath.Join(dir, module))
		}
	}
	lists, _ := filepath.Glob(filepath.Join(dir, "modules.*"))
	for _, list := range lists {
		a.file(filepath.Join(to, filepath.Base(list)), list)
	}
}

func wanted(module string) bool {
	for _, dir := range moduleDirs {
		if strings.HasPrefix(module, dir) {
			return true
		}
	}
	return false
}
