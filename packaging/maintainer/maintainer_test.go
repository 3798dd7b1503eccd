package maintainer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMaintainerScripts runs what a Debian package runs when it is installed, upgraded, removed and purged, with a service
// manager that only notes what it is told.
func TestMaintainerScripts(t *testing.T) {
	scripts, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	const reload, restart, stop = "daemon-reload\n", "try-restart honed.service honed@*.service\n", "stop honed.service honed@*.service\n"
	for _, c := range []struct {
		script, want string
		args         []string
	}{
		{"postinst", reload, []string{"configure", ""}},
		{"postinst", reload + restart, []string{"configure", "0.0.9"}},
		{"prerm", "", []string{"upgrade", "0.2.0"}},
		{"prerm", stop, []string{"remove"}},
		{"postrm", "", []string{"upgrade", "0.2.0"}},
		{"postrm", reload, []string{"remove"}},
		{"postrm", reload, []string{"purge"}},
	} {
		for _, managed := range []bool{true, false} {
			root := machine(t, managed)
			said := maintain(t, root, filepath.Join(scripts, c.script), c.args...)
			if want := c.want; managed && said != want || !managed && said != "" {
				t.Errorf("%s %v, service manager %v: told %q", c.script, c.args, managed, said)
			}
			for _, left := range []string{"run/hone/honed.off", "etc/systemd/system/multi-user.target.wants/honed.service"} {
				if _, err := os.Stat(filepath.Join(root, left)); (err != nil) != (c.args[0] == "purge") {
					t.Errorf("%s %v: %s: %v", c.script, c.args, left, err)
				}
			}
		}
	}
}

// machine is a root directory on which honed is enabled and something is switched off.
func machine(t *testing.T, managed bool) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{"run/hone/honed.off": "{}", "etc/systemd/system/multi-user.target.wants/honed.service": "",
		"bin/systemctl": "#!/bin/sh\necho \"$@\" >>\"$DPKG_ROOT/told\"\n"}
	if managed {
		files["run/systemd/system/unit"] = ""
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// maintain runs a script and gives what it told the service manager.
func maintain(t *testing.T, root, script string, args ...string) string {
	t.Helper()
	c := exec.Command(script, args...)
	c.Env = []string{"DPKG_ROOT=" + root, fmt.Sprintf("PATH=%s/bin:%s", root, os.Getenv("PATH"))}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v: %s", script, strings.Join(args, " "), err, out)
	}
	told, _ := os.ReadFile(filepath.Join(root, "told"))
	return string(told)
}
