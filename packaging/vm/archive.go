package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// archive writes the cpio format that the kernel unpacks at boot (Documentation/driver-api/early-userspace/buffer-format).
// Directories are made where they are missing.
type archive struct {
	w     *bufio.Writer
	files int
	there map[string]bool
	err   error
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriterSize(w, 1<<20), there: map[string]bool{".": true}}
}

// entry writes one header with its name and its data.
func (a *archive) entry(name string, mode uint32, size int64, data io.Reader) {
	if a.err != nil || a.there[name] {
		return
	}
	a.there[name] = true
	a.files++
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.files, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0)
	a.text(header + name + "\x00")
	a.pad(len(header) + len(name) + 1)
	if data != nil && a.err == nil {
		var n int64
		if n, a.err = io.Copy(a.w, data); a.err == nil && n != size {
			a.err = fmt.Errorf("%s: %d bytes instead of %d", name, n, size)
		}
		a.pad(int(size))
	}
}

func (a *archive) text(s string) {
	if _, err := a.w.WriteString(s); err != nil && a.err == nil {
		a.err = err
	}
}

// pad fills to a multiple of four.
func (a *archive) pad(n int) { a.text("\x00\x00\x00"[:-n&3]) }

// directory makes a directory and those above it.
func (a *archive) directory(name string) {
	if name = filepath.Clean(name); a.there[name] {
		return
	}
	a.directory(filepath.Dir(name))
	a.entry(name, 0o040755, 0, nil)
}

// link makes a symbolic link.
func (a *archive) link(name, target string) {
	a.directory(filepath.Dir(name))
	a.entry(name, 0o120777, int64(len(target)), strings.NewReader(target))
}

// content makes a file that anybody may run.
func (a *archive) content(name, data string) {
	a.directory(filepath.Dir(name))
	a.entry(name, 0o100755, int64(len(data)), strings.NewReader(data))
}

// file copies a file.
func (a *archive) file(name, from string) {
	f, err := os.Open(from)
	if err != nil {
		a.fail(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		a.fail(err)
		return
	}
	a.directory(filepath.Dir(name))
	a.entry(name, 0o100000|uint32(info.Mode().Perm()), info.Size(), f)
}

// tree copies the files below a directory.
func (a *archive) tree(name, from string) {
	a.fail(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if to, failed := os.Stat(path); failed == nil && to.Mode().IsRegular() { // links, too
			rel, _ := filepath.Rel(from, path)
			a.file(filepath.Join(name, rel), path)
		}
		return nil
	}))
}

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// close ends the archive.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0, nil)
	if err := a.w.Flush(); a.err == nil {
		a.err = err
	}
	return a.err
}
