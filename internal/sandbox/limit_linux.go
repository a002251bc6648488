package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Program is the path of this program as it was started, should another one be installed there meanwhile.
func Program() (string, error) {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil {
		return running, nil
	}
	return os.Executable()
}

// limitSystem is what only Linux has: the child dies with its parent, is the first to go where memory is short, and gains no
// rights.
func limitSystem() error {
	// Where /proc is not there or not to be written the daemon may be the one to go.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return errors.Join(
		unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0),
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
	)
}
