//go:build e2e

package stack

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A check is how a program's readiness is found out, and what it is called.
type check struct {
	what  string
	probe func(context.Context) error
}

// launch starts a program that Build built, or else one of the machine's, and
// waits until it is ready.
func (s *Stack) launch(ctx context.Context, name string, env, args []string, ready check) error {
	since := time.Now()
	program := cmp.Or(s.binaries.Path(name), name)
	p, err := start(ctx, s.dir, name, env, append([]string{program}, args...)...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.processes[name] = p
	s.again[name] = func(ctx context.Context) error { return s.launch(ctx, name, env, args, ready) }
	s.mu.Unlock()
	if err := waitReady(ctx, p, ready.what, ready.probe); err != nil {
		return err
	}
	s.told("started "+name, since)
	return nil
}

// Crash ends one of the stack's programs, such as kubelet or workflow-controller,
// as kill -9 does, starts it again and waits until it is ready.
func (s *Stack) Crash(ctx context.Context, name string) error {
	s.mu.Lock()
	p, again := s.processes[name], s.again[name]
	s.mu.Unlock()
	if p == nil {
		return fmt.Errorf("no program %s was started", name)
	}
	p.kill()
	return again(ctx)
}

// told says what was done of the start of real pods, and how long that took.
func (s *Stack) told(what string, since time.Time) {
	if s.real() {
		fmt.Fprintf(s.progress, "pods: %s in %.1f s\n", what, time.Since(since).Seconds())
	}
}

// answers holds when a GET of a health endpoint succeeds.
func answers(url string) check {
	return check{what: "GET " + url, probe: func(ctx context.Context) error { return probe(ctx, url) }}
}

// probe asks a health endpoint. Certificates are not checked: some of the
// stack's programs make their own.
func probe(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answers %s", response.Status)
	}
	return nil
}

// nodeIsReady holds once kwok or a kubelet has taken up the node.
func (s *Stack) nodeIsReady(name string) check {
	nodes := s.Kube.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
	return check{what: "node ready", probe: func(ctx context.Context) error {
		node, err := nodes.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if Condition(node, "Ready") != "True" {
			return errors.New("its condition Ready is not True")
		}
		return nil
	}}
}
