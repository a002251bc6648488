//go:build e2e

package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// needed are the programs that real pods take from the machine, each with the
// Debian package that has it.
func needed() map[string]string {
	return map[string]string{
		"containerd":              "containerd",
		"containerd-shim-runc-v2": "containerd",
		"runc":                    "runc",
		cniDir + "/bridge":        "containernetworking-plugins",
		cniDir + "/host-local":    "containernetworking-plugins",
		"iptables":                "iptables",
		"ip":                      "iproute2",
		"debootstrap":             "debootstrap",
		"/bin/busybox":            "busybox-static",
		"tar":                     "tar",
	}
}

// cniDir is where Debian has the plugins that connect pods.
const cniDir = "/usr/lib/cni"

// prerequisites says what this machine lacks for real pods, in one line.
func prerequisites() error {
	if os.Geteuid() != 0 {
		return errors.New("real pods need root: run as root, with CAP_SYS_ADMIN and CAP_NET_ADMIN")
	}
	if lacking := lacking(exec.LookPath); len(lacking) > 0 {
		return fmt.Errorf("real pods need Debian packages that are not installed: apt-get install %s", strings.Join(lacking, " "))
	}
	if err := separate(); err != nil {
		return fmt.Errorf("real pods need namespaces of their own, which root may not make here: run with CAP_SYS_ADMIN and CAP_NET_ADMIN: %w", err)
	}
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	for _, hidden := range []string{"/var/", "/run/"} {
		if strings.HasPrefix(cache, hidden) {
			return fmt.Errorf("the cache %s lies below %s, which real pods have of their own: set XDG_CACHE_HOME to another folder", cache, hidden)
		}
	}
	return nil
}

// namespaces are those that real pods have of their own.
const namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC

// separate runs a program in namespaces as Isolate makes them.
func separate() error {
	cmd := exec.Command("/bin/busybox", "true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	return cmd.Run()
}

// lacking are the packages whose programs are not found.
func lacking(find func(program string) (string, error)) []string {
	var packages []string
	for program, pkg := range needed() {
		if _, err := find(program); err != nil && !slices.Contains(packages, pkg) {
			packages = append(packages, pkg)
		}
	}
	slices.Sort(packages)
	return packages
}
