//go:build e2e

// Package stack builds and starts the real engines that the end-to-end tests
// run against: etcd, the Kubernetes control plane, Argo Workflows, the Seldon
// operator and KWOK, a Polyaxon server with an agent that runs experiments as
// processes, and a git server in front of a bare repository.
//
// Everything is an ordinary process of the calling user that listens on
// 127.0.0.1; there are no containers and no root. Linux only: the processes die
// with the one that started them by the kernel's parent-death signal.
//
// Pods are simulated by KWOK. The stages under manifests let a test steer one
// by its annotations sim.test/outcome, delay, value, message, exit-code and ready.
//
// StartPods has real pods in their place, for the few tests that have to see one
// build, push or answer: as root, with containerd and a kubelet, in namespaces
// that Isolate makes. All images are made on this machine, of what Debian, PyPI
// and the Go module proxy have.
package stack
