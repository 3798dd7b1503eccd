package introspect

import "testing"

func BenchmarkSensors(b *testing.B) {
	inNamespace(b, func(run func(string)) {
		run("ip link add v0 type veth peer name v1")
		k, err := openSensors()
		if err != nil {
			b.Error(err)
			return
		}
		defer k.close()
		s := announced(b)
		for name, read := range map[string]func(*Snapshot) (*Snapshot, error){"taps": k.readTaps, "hooks": k.readHooks, "silent hooks": k.readSilentHooks, "sysctls": readSysctls,
			"features": k.readFeatures, "tcx": readTCX} {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					if _, err := read(s); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}
