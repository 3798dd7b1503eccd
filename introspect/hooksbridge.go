package introspect

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// bridgeTables tells which tables of ebtables-legacy the kernel has. It stands in for the list of hooks where the kernel
// has none. To ask for a table would make it, so that one which is there counts as one in use.
func bridgeTables(h hooks) error {
	tables, err := builtinTables()
	if err != nil {
		return err
	}
	loaded, err := tablesIn("/proc/modules")
	for _, t := range slices.Concat(tables, loaded) {
		h.add("legacy", hookBridge, "ebtables "+t)
	}
	return err
}

// builtinTables are those that are part of the kernel.
var builtinTables = sync.OnceValues(func() ([]string, error) { return tablesIn(builtinModules()) })

// builtinModules is the file that lists the modules that are part of the kernel.
func builtinModules() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return filepath.Join("/lib/modules", unix.ByteSliceToString(name.Release[:]), "modules.builtin")
}

// tablesIn looks for the modules of such tables among those that begin the lines of a file, by name or by path.
func tablesIn(file string) (tables []string, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("introspect: list modules: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if table, ok := tableOf(lines.Text()); ok {
			tables = append(tables, table)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("introspect: list modules in %s: %w", file, err)
	}
	return tables, nil
}

// tableOf is the table of ebtables-legacy that the module of a line is of.
func tableOf(line string) (table string, ok bool) {
	name, _, _ := strings.Cut(line, " ")
	return strings.CutPrefix(strings.TrimSuffix(filepath.Base(name), ".ko"), "ebtable_")
}
