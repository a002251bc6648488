//go:build e2e

package stack

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// endEnv has TestPodsLeaveNothing be the test that is looked at: it says how that ends.
const endEnv = "STACK_TEST_END"

// TestPodsLeaveNothing compares the machine before and after a test with real pods, however that ends.
func TestPodsLeaveNothing(t *testing.T) {
	if end := os.Getenv(endEnv); end != "" {
		Isolate(t, func() { victim(t, end) })
		return
	}
	if err := prerequisites(); err != nil {
		t.Fatal(err)
	}
	before := traces(t)
	for _, test := range []struct {
		name   string
		end    string         // of the victim
		after  string         // it says this, it is sent
		signal syscall.Signal // 0 for none
		code   int
	}{
		{"success", "well", "victim: a pod runs", 0, 0},
		{"failure", "failed", "victim: a pod runs", 0, 1},
		{"Ctrl-C while it starts", "well", "pods: started containerd", syscall.SIGINT, 1},
		{"SIGTERM while a pod runs", "never", "victim: a pod runs", syscall.SIGTERM, 1},
		{"killed, and the next one", "never", "victim: a pod runs", syscall.SIGKILL, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			code := runVictim(t, test.end, test.after, func(p *os.Process) {
				if slices.Equal(before, traces(t)) {
					t.Error("nothing is seen of it while it runs, so that nothing could be seen after it")
				}
				_ = p.Signal(test.signal)
			})
			if code != test.code {
				t.Errorf("it ends with %d, not %d", code, test.code)
			}
			if test.signal == syscall.SIGKILL { // its folder and control groups stay until the next one
				runVictim(t, "well", "victim: a pod runs", func(*os.Process) {})
			}
			if after := traces(t); !slices.Equal(before, after) {
				t.Errorf("left are %q, gone are %q", without(after, before), without(before, after))
			}
		})
	}
}

// victim starts the stack and a pod that never ends.
func victim(t *testing.T, end string) {
	t.Log("victim: starts")
	s := startPods(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	apply(ctx, t, s, "pods-sleeper.yaml")
	resource := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	if _, err := s.Kube.Await(ctx, resource, NamespaceStaging, "sleeper", func(pod *unstructured.Unstructured) bool {
		return Condition(pod, "Ready") == "True"
	}); err != nil {
		t.Fatal(err)
	}
	t.Log("victim: a pod runs")
	switch end {
	case "failed":
		t.Fatal("victim: fails")
	case "never":
		<-t.Context().Done()
	}
}

// runVictim runs this test as the victim, in a folder for temporary files of its own, and returns its exit code. What is to be done
// once it has said something, is done before it goes on to say more.
func runVictim(t *testing.T, end, after string, act func(*os.Process)) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPodsLeaveNothing$", "-test.v", "-test.timeout=0")
	cmd.Env = append(os.Environ(), endEnv+"="+end, "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	come := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), after) {
			come = true
			act(cmd.Process)
		}
	}
	_ = cmd.Wait() // the exit code tells
	if !come {
		t.Errorf("it never says %q", after)
	}
	if t.Failed() {
		t.Log(said.String())
	}
	return cmd.ProcessState.ExitCode()
}

// traces are all that a test with real pods could leave on this machine: mounts, network devices and namespaces, control groups,
// settings of the kernel, processes and folders.
func traces(t *testing.T) []string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	all := lines(string(mounts))
	dirs, err := hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	patterns := []string{
		filepath.Join(cache, "pods"), "/run/*", "/run/netns/*", "/run/containerd/*", "/sys/class/net/*", "/etc/cni", "/opt/*",
		"/opt/containerd/*",
		"/var/lib/*", "/var/lib/cni/*", "/var/lib/kubelet/*", "/var/log/pods", "/var/log/containers", "/usr/libexec/kubernetes",
	}
	for _, dir := range dirs {
		patterns = append(patterns, filepath.Join(dir, "*"))
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return append(append(all, settings(t)...), strangers(t)...)
}

// settings are the kernel's that a kubelet, containerd or kube-proxy may write.
func settings(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic*", "kernel/keys/*", "net/ipv4/ip_forward", "net/ipv4/conf/all/*", "net/bridge/*",
		"net/netfilter/nf_conntrack_max", "net/nf_conntrack_max",
	} {
		paths, err := filepath.Glob(filepath.Join("/proc/sys", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			value, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, path+"="+strings.TrimSpace(string(value)))
		}
	}
	return all
}

// strangers are the processes of other process namespaces or networks than this test's own.
func strangers(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, kind := range []string{"pid", "net", "mnt"} {
		own, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if other, err := os.Readlink(filepath.Join(path, "ns", kind)); err == nil && other != own {
				command, _ := os.ReadFile(filepath.Join(path, "cmdline")) // it may have ended
				all = append(all, kind+" "+string(command))
			}
		}
	}
	return all
}

// without are the elements of all that are not in others.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
}
