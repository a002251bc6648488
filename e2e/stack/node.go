//go:build e2e

package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// nodeName is the node that real pods run on.
const nodeName = "node-0"

// StartPods is Start with a real node in KWOK's place: a kubelet that runs what
// Argo and Seldon make in containers, and a registry with the stack's images. It
// works inside Isolate only, once in each, and needs half a minute; what
// containers leave is taken down with the namespaces, not by Stop.
//
// Everything that pods may reach listens on the node's address, Git, Polyaxon
// and Counters too. Names of Services do not resolve, their addresses work; there
// is no way out of the namespaces.
func StartPods(ctx context.Context, progress io.Writer) (*Stack, error) {
	if !isolated() {
		return nil, errors.New("real pods can be started inside Isolate only")
	}
	binaries, images, err := podParts(ctx, progress)
	if err != nil {
		return nil, err
	}
	s := &Stack{progress: progress, binaries: binaries, images: images, leave: func() {}}
	return s.begin(ctx, (*Stack).startPods)
}

// podParts builds what is missing of what StartPods needs, and the Polyaxon
// server, which can't be installed inside either: some ten minutes, once.
func podParts(ctx context.Context, progress io.Writer) (programs Binaries, images string, err error) {
	programs, err = buildAll(ctx, progress, append(tools(), nodeTools()...))
	if err != nil {
		return Binaries{}, "", err
	}
	if _, err := haupt(ctx, progress); err != nil {
		return Binaries{}, "", err
	}
	b, err := newBuilder(ctx, progress)
	if err != nil {
		return Binaries{}, "", err
	}
	images, err = b.buildImages(ctx, programs)
	return programs, images, err
}

func (s *Stack) startPods(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready in %v", startLimit))
	defer cancel()
	if err := s.serve(ctx); err != nil {
		return err
	}
	if err := s.configureNode(); err != nil {
		return err
	}
	err := concurrently(ctx, s.startControllerManager, s.startScheduler, s.define, s.furnish, s.startRegistry, s.startContainerd)
	if err != nil {
		return err
	}
	return concurrently(ctx, s.startKubelet, s.startProxy, s.startArgo, s.startSeldon, s.settle)
}

// real reports whether pods are real.
func (s *Stack) real() bool { return s.images != "" }

// configureNode writes what containerd and the kubelet read, below the folder of
// the isolated run.
func (s *Stack) configureNode() error {
	dir := os.Getenv(runEnv)
	for name, to := range map[string]string{
		"containerd.toml": "containerd.toml",
		"kubelet.yaml":    "kubelet.yaml",
		"bridge.conflist": "cni/bridge.conflist",
		"hosts.toml":      "registries/" + RegistryAddress + "/hosts.toml",
	} {
		text, err := manifests.ReadFile(path.Join("manifests", "node", name))
		if err != nil {
			return err
		}
		filled := os.Expand(string(text), func(variable string) string {
			return map[string]string{
				"RUN": dir, "CNI": cniDir, "PODS": pods, "REGISTRY": RegistryAddress, "PAUSE": imagePause, "CGROUP": cgroupName,
			}[variable]
		})
		file := nodeFile(to)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(filled), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

func nodeFile(name string) string { return filepath.Join(os.Getenv(runEnv), "node", name) }

func (s *Stack) startRegistry(ctx context.Context) (err error) {
	since := time.Now()
	if s.Registry, err = startRegistry(ctx, s.images, nodeFile("registry"), s.access.ca); err != nil {
		return err
	}
	s.told("started the registry", since)
	return nil
}

func (s *Stack) startContainerd(ctx context.Context) error {
	const socket = "/run/containerd/containerd.sock"
	return s.launch(ctx, "containerd", nil, []string{"--config=" + nodeFile("containerd.toml")},
		check{what: "socket " + socket, probe: func(context.Context) error {
			_, err := os.Stat(socket)
			return err
		}})
}

func (s *Stack) startKubelet(ctx context.Context) error {
	dir := os.Getenv(runEnv)
	return s.launch(ctx, "kubelet", nil, []string{
		"--config=" + nodeFile("kubelet.yaml"), "--kubeconfig=" + s.Kubeconfig(userNode),
		"--root-dir=" + filepath.Join(dir, "kubelet"), "--cert-dir=" + filepath.Join(dir, "kubelet-certs"),
		"--hostname-override=" + nodeName, "--node-ip=" + nodeIP,
	}, s.nodeIsReady(nodeName))
}

// startProxy makes the addresses of Services work. The settings of connection
// tracking are the whole machine's, so they are left as they are.
func (s *Stack) startProxy(ctx context.Context) error {
	const health = 10256
	return s.launch(ctx, "kube-proxy", nil, []string{
		"--kubeconfig=" + s.Kubeconfig(userNode), "--proxy-mode=iptables", "--hostname-override=" + nodeName,
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
	}, answers(address("http", health)+"/healthz"))
}
