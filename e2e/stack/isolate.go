//go:build e2e

package stack

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// levelEnv tells a test binary which of Isolate's processes it is.
const levelEnv = "TREFOIL_E2E_LEVEL"

const (
	levelInit = "init" // the first process of the namespaces, which makes them a machine
	levelTest = "test" // the test in them
)

// isolated reports whether this process is in namespaces of Isolate's.
func isolated() bool { return os.Getenv(levelEnv) == levelTest }

// Isolate runs a top-level test in network, mount, process and IPC namespaces
// of its own, where StartPods works: as root, on Linux, on a machine that has
// what Debian's packages bring (see prerequisites); what is missing is told in
// a line and fails the test.
//
// Nothing outside is reached from inside, so that everything which a network or
// time is needed for has to be built before. The test binary then runs itself
// once more with this test alone: what the test does before Isolate is done
// again in there, and should find its result.
//
// When the inner process ends, by itself, by Ctrl-C or with this one, the kernel
// ends every process of the namespaces, and takes their mounts and devices with
// them. What remains, control groups and a folder of the cache, is removed then,
// and at the next start where this process was killed. One such test runs on a
// machine at a time; others wait.
func Isolate(t *testing.T, test func()) {
	t.Helper()
	switch os.Getenv(levelEnv) {
	case levelTest:
		test()
	case levelInit:
		os.Exit(beInit())
	default:
		ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if err := isolate(ctx, t.Name(), t.Output()); err != nil {
			t.Fatal(err)
		}
	}
}

func isolate(ctx context.Context, test string, progress io.Writer) (err error) {
	if err := prerequisites(); err != nil {
		return err
	}
	if _, _, err := podParts(ctx, progress); err != nil {
		return err
	}
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	unlock, err := lockTelling(ctx, filepath.Join(cache, "pods.lock"), func() {
		fmt.Fprintln(progress, "pods: waiting for the end of another test with real pods …")
	})
	if err != nil {
		return err
	}
	defer unlock()
	dir := filepath.Join(cache, "pods")
	if err := clean(dir); err != nil {
		return err
	}
	defer func() {
		since := time.Now()
		err = errors.Join(err, clean(dir))
		fmt.Fprintf(progress, "pods: torn down in %.1f s\n", time.Since(since).Seconds())
	}()
	if err := errors.Join(makeCgroups(), os.MkdirAll(filepath.Join(dir, "tmp"), 0o755)); err != nil {
		return err
	}
	err = runIsolated(ctx, test, dir, progress)
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, keepLogs(dir, progress))
	}
	return err
}

// runIsolated runs the test in new namespaces to its end. They end with ctx.
func runIsolated(ctx context.Context, test, dir string, progress io.Writer) error {
	runtime.LockOSThread() // for the parent-death signal, as in process.run
	defer runtime.UnlockOSThread()
	args := []string{"-test.run=^" + test + "$", "-test.v", "-test.timeout=0"}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") { // a flag of the tests themselves
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), levelEnv+"="+levelInit, runEnv+"="+dir, "TMPDIR="+filepath.Join(dir, "tmp"), "GOPROXY=off")
	cmd.Stdout, cmd.Stderr = progress, progress
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true, // Ctrl-C is this process's business
		Pdeathsig:  syscall.SIGKILL,
		Cloneflags: namespaces,
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("the test among real pods: %w", err)
	}
	return nil
}

// clean removes what the namespaces leave. They are gone, or, where this follows
// a kill, about to be: a process that still ends may still write.
func clean(dir string) error {
	return errors.Join(removeCgroups(), patiently(syscall.ENOTEMPTY, func() error { return os.RemoveAll(dir) }))
}

// keepLogs saves the logs of a failed test, if it has any, before its folder is
// removed.
func keepLogs(dir string, progress io.Writer) error {
	var paths []string
	for _, pattern := range []string{"tmp/*/*.log", "podlogs/*/*/*.log"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		return nil
	}
	kept, err := os.MkdirTemp("", "trefoil-pods-")
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(kept, strings.ReplaceAll(name, "/", "-")), text, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(progress, "pods: logs are kept in %s\n", kept)
	return nil
}
