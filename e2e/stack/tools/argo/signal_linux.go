// Package osspecific is what the module zip of Argo Workflows lacks, though argoexec does not compile without it: its twins for
// darwin and windows are there, the file for linux is not. The build lays this one into its place.
package osspecific

import (
	"os"
	"syscall"

	"github.com/argoproj/argo-workflows/v3/util/errors"
)

// Term asks a process to end.
var Term = syscall.SIGTERM

// CanIgnoreSignal reports whether a signal is argoexec's own business, not that of the process that it runs.
func CanIgnoreSignal(s os.Signal) bool {
	return s == syscall.SIGCHLD || s == syscall.SIGURG
}

// Kill signals the group of a process.
func Kill(pid int, s syscall.Signal) error {
	pgid, err := syscall.Getpgid(pid)
	if err != nil {
		return syscall.Kill(pid, s)
	}
	return syscall.Kill(-pgid, s)
}

// Setpgid gives a process that is to be started a group of its own.
func Setpgid(a *syscall.SysProcAttr) {
	a.Setpgid = true
}

// Wait reaps children until the process has ended, whose exit code is the error: argoexec is a container's first process, to
// which all orphans come.
func Wait(process *os.Process) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case pid == process.Pid && status.Exited():
			return errors.NewExitErr(status.ExitStatus())
		case pid == process.Pid && status.Signaled():
			return errors.NewExitErr(128 + int(status.Signal()))
		}
	}
}
