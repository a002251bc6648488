//go:build e2e

package stack

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Namespaces that a started stack has.
const (
	NamespaceArgo       = "argo" // workflow-controller's own
	NamespaceWorkflows  = "argo" // the only one where Workflows run
	NamespaceProduction = "ml"
	NamespaceStaging    = "ml-staging"
)

//go:embed manifests
var manifests embed.FS

// Stack is a running set of engines. Stop ends it.
type Stack struct {
	Kube     *Kube     // for the tests
	Registry *Registry // of real pods; nil where they are simulated

	dir      string // temporary: data, configuration, one log per program
	progress io.Writer
	leave    func() // lets the next stack start
	binaries Binaries
	images   string // OCI layout of the images of real pods; empty where pods are simulated
	access   access
	ports    ports

	mu        sync.Mutex // for the rest, while programs start side by side
	processes map[string]*process
	again     map[string]func(context.Context) error // starts a program once more
}

type ports struct {
	etcd, etcdPeer, api, controllers, scheduler, seldonHook, seldonMetrics int
}

// Start builds what is missing (see Build), starts the engines on 127.0.0.1 and
// waits until they answer: under half a minute when all is built. Workflows and
// SeldonDeployments that are created then come to their ends by themselves.
//
// ctx bounds the start alone: when it ends early, everything that runs already
// is stopped. Some stacks run on a machine side by side (see places); Start
// waits for the end of one where there are as many. Two programs listen on all
// addresses: the Seldon operator on its webhook's port, and one stack's Argo on
// the fixed port 6060, without which the others' do. The error of a program that
// does not come up names its log and holds the log's end.
func Start(ctx context.Context, progress io.Writer) (*Stack, error) {
	return begin(ctx, progress, (*Stack).start)
}

// StartServer is Start of the API server alone, with the kinds of the engines and
// nobody who works on them: what is created stays as it is, however much.
func StartServer(ctx context.Context, progress io.Writer) (*Stack, error) {
	return begin(ctx, progress, (*Stack).startServer)
}

func begin(ctx context.Context, progress io.Writer, start func(*Stack, context.Context) error) (*Stack, error) {
	binaries, err := Build(ctx, progress)
	if err != nil {
		return nil, err
	}
	leave, err := takePlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	return (&Stack{progress: progress, binaries: binaries, leave: leave}).begin(ctx, start)
}

// begin starts the engines, and stops those that were started when one does not come up.
func (s *Stack) begin(ctx context.Context, start func(*Stack, context.Context) error) (*Stack, error) {
	s.processes, s.again = make(map[string]*process), make(map[string]func(context.Context) error)
	since := time.Now()
	if err := start(s, ctx); err != nil {
		interrupted := ctx.Err() != nil
		if interrupted {
			err = context.Cause(ctx)
		}
		return nil, errors.Join(fmt.Errorf("start the stack: %w", err), s.end(!interrupted))
	}
	said := "stack: ready in"
	if s.real() {
		said = "== real pods are up after" // among much else, what people look for
	}
	fmt.Fprintf(s.progress, "%s %.1f s\n", said, time.Since(since).Seconds())
	return s, nil
}

// places is how many stacks a machine has room for. Each takes a gigabyte of
// memory, ten seconds of a processor to start and a tenth of one then: what the
// tests do meanwhile is mostly to wait.
const places = 4

// takePlace waits until the machine has room for one more stack.
func takePlace(ctx context.Context, progress io.Writer) (leave func(), err error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	var locks []string
	for i := range places {
		locks = append(locks, filepath.Join(cache, fmt.Sprintf("stack-%d.lock", i)))
	}
	return lockOne(ctx, locks, func() {
		fmt.Fprintln(progress, "stack: waiting for the end of another stack on this machine …")
	})
}

// startLimit is generous: for a machine that is busy with other things.
const startLimit = 4 * time.Minute

func (s *Stack) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready in %v", startLimit))
	defer cancel()
	if err := s.serve(ctx); err != nil {
		return err
	}
	if err := concurrently(ctx, s.startControllerManager, s.startScheduler, s.define, s.furnish); err != nil {
		return err
	}
	return concurrently(ctx, s.startKwok, s.startArgo, s.startSeldon, s.settle)
}

func (s *Stack) startServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready in %v", startLimit))
	defer cancel()
	if err := s.serve(ctx); err != nil {
		return err
	}
	return concurrently(ctx, s.define, s.furnish)
}

// serve starts the API server.
func (s *Stack) serve(ctx context.Context) error {
	if err := s.prepare(); err != nil {
		return err
	}
	if err := s.startEtcd(ctx); err != nil {
		return err
	}
	return s.startAPIServer(ctx)
}

func concurrently(ctx context.Context, steps ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, step := range steps {
		group.Go(func() error { return step(ctx) })
	}
	return group.Wait()
}

// define makes the engines' CustomResourceDefinitions.
func (s *Stack) define(ctx context.Context) error {
	var texts [][]byte
	for _, tool := range []string{"argo", "seldon"} {
		paths, err := filepath.Glob(s.binaries.file(tool, "*.yaml"))
		if err != nil {
			return err
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			texts = append(texts, text)
		}
	}
	return s.Kube.define(ctx, texts)
}

// furnish makes namespaces, what else the engines look for, and the rights of the daemon.
func (s *Stack) furnish(ctx context.Context) error {
	if err := s.apply(ctx, "base.yaml"); err != nil {
		return err
	}
	return s.permit(ctx)
}

// apply applies one of the manifests.
func (s *Stack) apply(ctx context.Context, name string) error {
	text, err := manifests.ReadFile("manifests/" + name)
	if err != nil {
		return err
	}
	return s.Kube.Apply(ctx, text)
}

// settle waits for what pods need: their namespace's default ServiceAccount.
func (s *Stack) settle(ctx context.Context) error {
	accounts := schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	for _, namespace := range []string{NamespaceWorkflows, NamespaceProduction, NamespaceStaging} {
		if _, err := s.Kube.Await(ctx, accounts, namespace, "default", exists); err != nil {
			return err
		}
	}
	return nil
}

func exists(*unstructured.Unstructured) bool { return true }

// Dir is the stack's temporary folder. It holds a log per program, NAME.log,
// and is a place for what else belongs to this start.
func (s *Stack) Dir() string { return s.dir }

// Binaries are the programs that the stack was started from.
func (s *Stack) Binaries() Binaries { return s.binaries }

// Kubeconfig is the path of a user's kubeconfig file.
func (s *Stack) Kubeconfig(user string) string {
	return s.path(strings.ReplaceAll(user, ":", "-") + ".kubeconfig") // KUBECONFIG is a list with colons
}

func (s *Stack) path(name string) string { return filepath.Join(s.dir, name) }
