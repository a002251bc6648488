//go:build e2e

package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cgroupName is the control group, in every hierarchy, below which all pods are.
const cgroupName = "trefoil-pods"

// hierarchies are where the machine's control groups are mounted: one folder
// for each controller of version 1, one for all of version 2.
func hierarchies() ([]string, error) {
	text, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") && !slices.Contains(dirs, fields[1]) {
			dirs = append(dirs, fields[1])
		}
	}
	if len(dirs) == 0 {
		return nil, errors.New("no control groups are mounted: pods need them at /sys/fs/cgroup")
	}
	return dirs, nil
}

// makeCgroups makes the control group of all pods. One of version 1's cpuset
// takes no process until it has what its parent has.
func makeCgroups() error {
	dirs, err := hierarchies()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		own := filepath.Join(dir, cgroupName)
		if err := os.Mkdir(own, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("control groups are not writable: run as root on a machine, or in a container, that may make them: %w", err)
		}
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(dir, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := errors.Join(err, os.WriteFile(filepath.Join(own, name), value, 0o644)); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeCgroups removes the control group of all pods and what is below it, as
// soon as the last of their processes is gone.
func removeCgroups() error {
	dirs, err := hierarchies()
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, removeCgroup(filepath.Join(dir, cgroupName)))
	}
	return errors.Join(errs...)
}

func removeCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeCgroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	err = patiently(syscall.EBUSY, func() error { return syscall.Rmdir(dir) }) // a killed process is still being taken down
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove control group %s: %w", dir, err)
	}
	return nil
}

// patiently repeats what fails with an error that passes, for ten seconds.
func patiently(passing error, do func() error) error {
	const tries, pause = 100, 100 * time.Millisecond
	err := do()
	for range tries {
		if !errors.Is(err, passing) {
			break
		}
		time.Sleep(pause)
		err = do()
	}
	return err
}
