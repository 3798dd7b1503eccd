package slowpath

import "time"

// Silent is a change of the configuration that the kernel makes without announcing it, how it is noticed all the same,
// and within what time. It is the only kind of change that an older decision may outlive, by at most Bound.
type Silent struct {
	Change    string        // such as "a packet socket is opened"
	Mechanism string        // such as "polled with packet_diag"
	Bound     time.Duration // from the change until no packet is decided by what was before it
}
