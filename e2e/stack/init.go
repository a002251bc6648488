//go:build e2e

package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Addresses inside the namespaces.
const (
	nodeIP    = "10.250.0.1"    // of the node, the registry, git and Polyaxon; a kubelet refuses 127.x
	serviceIP = "10.96.0.1"     // of the Service kubernetes, which the API server itself listens on
	services  = "10.96.0.0/16"  // of all Services
	pods      = "10.244.0.0/24" // of all pods
)

// runEnv is the folder of an isolated run, on a disk that overlayfs can write to.
const runEnv = "TREFOIL_E2E_RUN"

// beInit is the first process of new namespaces: it makes them a machine, runs
// the test there and reaps orphans, which containers' shims are. It returns the
// test's exit code.
func beInit() int {
	if err := errors.Join(mountAll(os.Getenv(runEnv)), network(), os.Setenv(levelEnv, levelTest)); err != nil {
		fmt.Fprintln(os.Stderr, "pods: make the namespaces a machine:", err)
		return 1
	}
	p, err := os.StartProcess(os.Args[0], os.Args, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pods:", err)
		return 1
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			fmt.Fprintln(os.Stderr, "pods: wait for the test:", err)
			return 1
		case pid == p.Pid && status.Exited():
			return status.ExitStatus()
		case pid == p.Pid:
			return 1
		}
	}
}

// mountAll hides from the machine what programs would leave on it: what they
// write below /var and /run, whose paths some have in their code.
func mountAll(dir string) error {
	upper, work := filepath.Join(dir, "var"), filepath.Join(dir, "var-work")
	if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	for _, m := range []struct {
		what, source, target, kind string
		flags                      uintptr
		data                       string
	}{
		{"keep mounts private", "none", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		{"mount /proc", "proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"mount /run", "tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755"},
		{"mount /var", "overlay", "/var", "overlay", 0, "lowerdir=/var,upperdir=" + upper + ",workdir=" + work},
	} {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
	}
	return guardSysctls(filepath.Join(dir, "sysctl"))
}

// guardSysctls puts files before the settings that a kubelet writes for the
// whole machine, such as to reboot after a kernel's panic.
func guardSysctls(dir string) error {
	for _, name := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	} {
		path := filepath.Join("/proc/sys", name)
		value, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "."))
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, value, 0o644)); err != nil {
			return err
		}
		if err := unix.Mount(file, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("guard %s: %w", path, err)
		}
	}
	return nil
}

// network makes the node's addresses. Without the route a Service could not be
// reached from the node; forwarding is a setting of this namespace alone.
func network() error {
	for _, args := range []string{
		"link set lo up",
		"addr add " + nodeIP + "/32 dev lo",
		"addr add " + serviceIP + "/32 dev lo",
		"route add " + services + " dev lo src " + nodeIP,
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}
