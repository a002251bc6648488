package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// undumpable keeps the memory of this process, which holds secrets, out of files and from its neighbours: the kernel writes no core of it,
// not to a program either, which a limit of 0 would not stop, and no other process of the same user may look into it. What it starts is not
// affected.
func undumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid cores of this process: %w", err)
	}
	return nil
}
