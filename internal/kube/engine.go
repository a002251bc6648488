package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// patience is how long Observe waits for the first lists after the start.
const patience = 10 * time.Second

// What one daemon asks of an API server at most, in requests a second. A pass of a thousand models stays far below.
const (
	requestsPerSecond = 50
	burst             = 100
)

// owner is the index of Deployments by the uid of what controls them.
const owner = "owner"

// Options say which cluster, and what in it is ours.
type Options struct {
	Cluster *rest.Config
	// Owner is render.Settings.Owner: objects that carry another one are not ours.
	Owner string
	// Namespace is where claims are kept. Of ConfigMaps the daemon sees no others.
	Namespace string
	// Poke is called when something of ours changed, often and from several goroutines; it must not block. It may be nil.
	Poke func()
	// Log gets a line when watching a resource begins to fail or works again. It may be nil.
	Log *slog.Logger
	// Whole is for a person who waits, and does not stay. Objects are kept as they are, for Compare, and not what decisions are made on
	// alone: several times as much memory. Requests go out as fast as the server answers, and Observe waits for the last lines of what
	// failed, which later calls have otherwise.
	Whole bool
}

// Engine holds Workflows, SeldonDeployments and Claims in a cluster. Run keeps it informed; without Run, Observe knows nothing.
type Engine struct {
	client    dynamic.Interface
	owner     string
	namespace string // of claims
	selector  labels.Selector
	manager   string
	watches   map[apischema.GroupVersionResource]*watch
	whole     bool
	memo      memo
	tails     *tails
	logs      *logs // nil where there are none, as of a fake
}

// Config reads how to reach a cluster. An empty path asks the usual places: the files that KUBECONFIG names, the one in the
// home directory, then the service account of the pod. current is the context; empty for the one that the file names.
func Config(kubeconfig, current string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: current}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err): // client-go's own words name a variable that nobody should set
		return nil, errors.New("no cluster: give a kubeconfig file with --kubeconfig or KUBECONFIG")
	case err != nil:
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return config, nil
}

// New makes an Engine. It sends no request.
func New(options Options) (*Engine, error) {
	config := rest.CopyConfig(options.Cluster)
	config.QPS, config.Burst = requestsPerSecond, burst
	if options.Whole {
		config.QPS = -1
	}
	config.WarningHandler = rest.NoWarnings{}
	logs, err := newLogs(config)
	if err != nil {
		return nil, err
	}
	config.Wrap(discreetly(config))
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	e, err := newEngine(client, options)
	if err != nil {
		return nil, err
	}
	e.logs = logs
	return e, nil
}

func newEngine(client dynamic.Interface, options Options) (*Engine, error) {
	selector, made, run, err := selectors(options.Owner)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		client: client, owner: options.Owner, namespace: options.Namespace, selector: selector, manager: fieldManager(options.Owner),
		whole: options.Whole, watches: map[apischema.GroupVersionResource]*watch{},
	}
	poke := options.Poke
	if poke == nil {
		poke = func() {}
	}
	slim := slimming{e.manager}.slim
	if options.Whole {
		slim = nil
	}
	log := cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	for _, kind := range kinds() {
		served, err := resource(kind)
		if err != nil {
			return nil, err
		}
		v := view{served: served, selector: selector.String(), indexers: cache.Indexers{}, slim: slim}
		if kind == render.Claim {
			v.namespace = options.Namespace
		}
		if e.watches[served], err = newWatch(client, v, poke, log); err != nil {
			return nil, err
		}
	}
	v := view{served: deployments(), selector: made.String(), indexers: cache.Indexers{owner: controllers}, slim: slim}
	if e.watches[deployments()], err = newWatch(client, v, poke, log); err != nil {
		return nil, err
	}
	e.tails = newTails(poke)
	v = view{served: podsOfOurs(), selector: run.String(), indexers: cache.Indexers{podsBy: podsByOwner}, slim: slim}
	e.watches[podsOfOurs()], err = newWatch(client, v, poke, log)
	return e, err
}

// kinds are what this engine holds.
func kinds() []render.Kind {
	return []render.Kind{render.Workflow, render.SeldonDeployment, render.Claim}
}

// Run watches the cluster until the context ends. It is called once.
func (e *Engine) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range e.watches {
		all.Go(func() { w.run(ctx) })
	}
	all.Go(func() { e.tails.run(ctx) })
	all.Wait()
}

// Observe returns what the watches hold; it sends no request itself. The first one waits a moment for the first lists. A SeldonDeployment
// is only known together with its Deployments.
//
// The Image of a succeeded Workflow is the repository that it was made to push to and the digest that it reported.
func (e *Engine) Observe(ctx context.Context) (plan.Live, error) {
	if err := e.settled(ctx); err != nil {
		return plan.Live{}, fmt.Errorf("observe the cluster: %w", err)
	}
	live, err := e.look()
	if err == nil && e.whole {
		e.tails.settled(ctx)
		live, err = e.look()
	}
	return live, err
}

func (e *Engine) look() (plan.Live, error) {
	live := plan.Live{Objects: map[render.Ref][]plan.Observed{}, Unknown: map[render.Kind]string{}, Absent: map[render.Kind]bool{}}
	r := e.memo.begin()
	defer e.memo.end(r)
	defer e.tails.sweep()
	for _, kind := range kinds() {
		served, err := resource(kind)
		if err != nil {
			return plan.Live{}, err
		}
		if why := e.unknown(kind); why != "" {
			live.Unknown[kind], live.Absent[kind] = why, e.watches[served].absent()
			continue
		}
		for _, u := range e.watches[served].objects() {
			o, err := e.observed(r, kind, u)
			if err != nil {
				return plan.Live{}, fmt.Errorf("observe %s: %w", o.Ref, err)
			}
			live.Objects[o.Ref] = append(live.Objects[o.Ref], o)
		}
	}
	return live, nil
}

// Settled reports whether each watch has ended or failed its first list: from then on Observe answers at once.
func (e *Engine) Settled() bool {
	for _, w := range e.watches {
		select {
		case <-w.settled:
		default:
			return false
		}
	}
	return true
}

// settled waits until each watch has ended or failed its first list, but not for ever.
func (e *Engine) settled(ctx context.Context) error {
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for _, w := range e.watches {
		select {
		case <-w.settled:
		case <-enough.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// unknown says why the kind can't be judged; empty when it can.
func (e *Engine) unknown(kind render.Kind) string {
	served, err := resource(kind)
	if err != nil {
		return err.Error()
	}
	if why := e.watches[served].unknown(); why != "" || kind != render.SeldonDeployment {
		return why
	}
	return e.watches[deployments()].unknown()
}

func (e *Engine) observed(r round, kind render.Kind, u *unstructured.Unstructured) (plan.Observed, error) {
	switch kind {
	case render.Workflow:
		return e.built(r.observed(u, nil, func() plan.Observed { return workflow(u) })), nil
	case render.SeldonDeployment:
		made, err := e.watches[deployments()].indexed(owner, string(u.GetUID()))
		slices.SortFunc(made, byName)
		o := r.observed(u, made, func() plan.Observed {
			o := seldonDeployment(u, made)
			o.Owned = owned(u, e.manager)
			return o
		})
		return e.diagnosed(o, made), err
	default:
		return r.observed(u, nil, func() plan.Observed { return claim(u) }), nil
	}
}
