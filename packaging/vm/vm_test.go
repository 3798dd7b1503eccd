package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewest(t *testing.T) {
	lines := []string{"linux-image-6.1.0-9-cloud-amd64 - old", "linux-image-6.1.0-56-cloud-amd64 - new",
		"linux-image-6.1.0-47-cloud-amd64 - older", ""}
	if got := newest(lines); got != "linux-image-6.1.0-56-cloud-amd64" {
		t.Errorf("newest is %q", got)
	}
	if got := newest([]string{""}); got != "" {
		t.Errorf("newest of nothing is %q", got)
	}
}

// TestArchive reads back what the kernel would: names, sizes and data, each at a multiple of four.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("12345"), 0o755); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	a := newArchive(&b)
	a.content("etc/deep/f", "abc")
	a.link("bin", "usr/bin")
	a.tree("tests", dir)
	a.content("etc/deep/f", "twice")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := "etc= etc/deep= etc/deep/f=abc bin=usr/bin tests= tests/x=12345 TRAILER!!!="
	if got := strings.Join(unpack(t, b.Bytes()), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	broken := newArchive(&b)
	broken.file("none", filepath.Join(dir, "none"))
	if broken.close() == nil {
		t.Error("a file that is not there is no mistake")
	}
}

func unpack(t *testing.T, b []byte) (all []string) {
	t.Helper()
	for at := 0; at < len(b); {
		var size, name int
		if _, err := fmt.Sscanf(string(b[at+54:at+62])+" "+string(b[at+94:at+102]), "%x %x", &size, &name); err != nil {
			t.Fatalf("header at %d: %v", at, err)
		}
		data := (at + 110 + name + 3) &^ 3
		all = append(all, string(b[at+110:at+110+name-1])+"="+string(b[data:data+size]))
		at = (data + size + 3) &^ 3
	}
	return all
}

func TestPlacesBelowUsr(t *testing.T) {
	for from, want := range map[string]string{"/lib64/ld.so": "usr/lib64/ld.so", "/usr/sbin/ip": "usr/sbin/ip"} {
		if got := inUsr(from); got != want {
			t.Errorf("%s goes to %s", from, got)
		}
	}
}

// TestFollow is what a guest says: a program that fails, and an end without a summary.
func TestFollow(t *testing.T) {
	var b bytes.Buffer
	e := newEvents(&b, "6.1")
	if e.follow(bufio.NewReader(strings.NewReader("noise\n@@ release 6.1.0\n@@ start p\nPASS\n@@ end p 2\n"))) {
		t.Error("done without having said so")
	}
	if e.release != "6.1.0" || !strings.Contains(b.String(), `"Action":"fail","Package":"linux-6.1/p","Test":"program"`) {
		t.Errorf("release %q, events:\n%s", e.release, &b)
	}
	if !e.follow(bufio.NewReader(strings.NewReader("@@ start p\nPASS\n@@ end p 0\n@@ done\n"))) {
		t.Error("not done although it said so")
	}
}

// TestOutcomes are those of a kernel that booted, of one that did not, and of one that could not be had.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		err     error
		lenient bool
		want    string
	}{
		{nil, false, "pass"}, {errors.New("panic"), true, "fail"}, {missing("no apt"), false, "fail"},
		{fmt.Errorf("kernel: %w", missing("no apt")), true, "skip"},
	} {
		var b bytes.Buffer
		newEvents(&b, "6.1").boot(c.err, c.lenient)
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		var last event
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Action != c.want || last.Test != "boot" {
			t.Errorf("%v, lenient %v: %+v, %v", c.err, c.lenient, last, err)
		}
	}
}

func TestTroubleIsSeen(t *testing.T) {
	for line, want := range map[string]bool{"Kernel panic - not syncing": true, "WARNING: CPU: 1 PID: 3": true,
		"Oops: int3: 0000": true, "br0: received packet": false} {
		if trouble.MatchString(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}
