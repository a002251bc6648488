package sandbox

import (
	"errors"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

const (
	// memory is what a child may allocate, in bytes. RLIMIT_AS would not do: Go reserves more addresses than that at its start.
	memory = 1 << 30
	// stack is how deep a child may recurse, in bytes.
	stack = 128 << 20
	// cpu is what a child may compute, in seconds, should nobody be there to end it.
	cpu = 900
	// descriptors are the pipes, and what Go's runtime needs.
	descriptors = 32
)

// limit takes from this process what it does not need to evaluate CUE. What the system does not know of is left out.
func limit() error {
	debug.SetMemoryLimit(memory / 4 * 3)
	debug.SetGCPercent(400)
	debug.SetMaxStack(stack)
	return errors.Join(
		lower(unix.RLIMIT_DATA, memory),
		lower(unix.RLIMIT_CPU, cpu),
		lower(unix.RLIMIT_CORE, 0),
		lower(unix.RLIMIT_NOFILE, descriptors),
		limitSystem(),
	)
}

// lower sets a limit where it is not lower already.
func lower(resource int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	most = min(most, now.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: min(most, now.Cur), Max: most})
}
