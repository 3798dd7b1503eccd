package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// ready tells the service manager that the agent serves, and what it does. Without a service manager nobody listens,
// and that is no error.
func ready(state string) {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS="+state)
}

func stopping() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) }

// watchdog tells the service manager that the agent lives, if it wants to know. Alive must return: an agent that hangs
// stays silent and is started anew.
func watchdog(ctx context.Context, alive func()) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return nil
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			alive()
			_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		}
	}
}
