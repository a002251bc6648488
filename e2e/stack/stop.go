//go:build e2e

package stack

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// stopOrder is who ends after whom: the programs of one line together.
func stopOrder() [][]string {
	return [][]string{
		{"seldon-operator", "workflow-controller", "kwok", "kubelet", "kube-proxy", "kube-scheduler", "kube-controller-manager"},
		{"containerd"},
		{"kube-apiserver"},
		{"etcd"},
	}
}

// Stop ends all programs, the servers after their clients, and removes the
// stack's folder unless keep is set: then it says where that is. Its error
// names the programs that had ended by themselves. Stopping twice is fine.
func (s *Stack) Stop(keep bool) error {
	var errs []error
	for _, names := range stopOrder() {
		for _, name := range names {
			if p := s.processes[name]; p != nil && p.ended() {
				errs = append(errs, p.failure(errors.New("ended by itself")))
			}
		}
	}
	return errors.Join(append(errs, s.end(keep))...)
}

func (s *Stack) end(keep bool) error {
	defer s.leave()
	const grace = 5 * time.Second
	for _, names := range stopOrder() {
		var group sync.WaitGroup
		for _, name := range names {
			if p := s.processes[name]; p != nil {
				group.Go(func() { p.stop(grace) })
			}
		}
		group.Wait()
	}
	clear(s.processes)
	switch {
	case s.dir == "", s.real(): // Isolate removes it, and keeps the logs of a failed test
		return nil
	case keep:
		fmt.Fprintf(s.progress, "stack: logs and data are kept in %s\n", s.dir)
		return nil
	}
	return os.RemoveAll(s.dir)
}
