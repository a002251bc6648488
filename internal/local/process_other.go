//go:build !linux

package local

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes put a process into a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// marked are our processes whose mark begins with that. ps prints the environment behind the command, with blanks between: a mark
// holds none.
func marked(mark string) []int {
	out, err := exec.Command("ps", "-E", "-ww", "-xo", "pid=,command=").Output()
	if err != nil {
		return nil
	}
	var found []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !isMarked(strings.Join(fields[1:], "\x00"), mark) {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}
