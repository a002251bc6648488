package local

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// attributes put a process into a group of its own, and end it with us: also if we are killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// marked are the processes of this machine whose mark begins with that, as far as we may look.
func marked(mark string) []int {
	all, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	var found []int
	for _, name := range all {
		environment, err := os.ReadFile(name)
		if err != nil || !isMarked(string(environment), mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}
