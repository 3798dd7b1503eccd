package lab

import (
	"os"
	"strconv"
	"time"
)

// slow is how many times longer things may take here than on a machine of their own: HONE_SLOW, which says so of one that
// is emulated.
var slow = factor(os.Getenv("HONE_SLOW"))

func factor(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n > 1 {
		return n
	}
	return 1
}

// Patience is how long a test waits here for what takes no longer than d on a real machine.
func Patience(d time.Duration) time.Duration { return time.Duration(slow) * d }

// Emulated tells whether the machine is so slow that times and rates say nothing about the programs.
func Emulated() bool { return slow > 1 }
