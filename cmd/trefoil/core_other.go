//go:build !linux

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// undumpable has the system write no core of this process, which holds secrets, nor of those that it starts.
func undumpable() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid cores of this process: %w", err)
	}
	return nil
}
