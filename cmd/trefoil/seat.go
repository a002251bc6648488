package main

import (
	"context"
	"log/slog"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// seat is where a daemon acts: the cluster, or a folder of this machine. One daemon of a repository acts there at a time, and says there
// what it knows.
type seat interface {
	// hold calls act while no other daemon acts, until ctx ends. The context of act ends when that is no longer so. beat is called with each
	// try to get there.
	hold(ctx context.Context, beat func(), act func(leading context.Context)) error
	leader(ctx context.Context) (kube.Term, error)
	report() (report, error)
	// settled reports whether what is observed is known by now.
	settled() bool
	// compare tells of each object, of other kinds than Search, how the live one differs from what git asks for. It changes nothing.
	compare(ctx context.Context, objects []render.Object) []compare.Result
	// operation is what a live search was made of.
	operation(ctx context.Context, search plan.Observed) (map[string]any, error)
}

// report is where a daemon writes its status.
type report interface {
	Read(ctx context.Context) (string, error)
	Write(ctx context.Context, text string) error
}

// clusterSeat is that of a daemon whose objects are in a cluster.
type clusterSeat struct {
	*kube.Engine
	searches remembering
	config   config
	holder   string
	log      *slog.Logger
}

func (s clusterSeat) hold(ctx context.Context, beat func(), act func(leading context.Context)) error {
	lease, err := s.lease(beat)
	if err != nil {
		return err
	}
	lease.Hold(ctx, act)
	return nil
}

func (s clusterSeat) leader(ctx context.Context) (kube.Term, error) {
	lease, err := s.lease(nil)
	if err != nil {
		return kube.Term{}, err
	}
	return lease.Leader(ctx)
}

// lease is the repository's. beat is called as long as it is asked for.
func (s clusterSeat) lease(beat func()) (*kube.Lease, error) {
	cluster, err := kube.Config(s.config.Kubernetes.Kubeconfig, s.config.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	return kube.NewLease(kube.LeaseOptions{
		Cluster: cluster, Namespace: s.config.Workflows.Namespace, Owner: s.config.owner(), Holder: s.holder, Beat: beat, Log: s.log,
	})
}

func (s clusterSeat) report() (report, error) { return s.Report() }

func (s clusterSeat) settled() bool { return s.Settled() }

func (s clusterSeat) compare(ctx context.Context, objects []render.Object) []compare.Result {
	return s.Compare(ctx, objects)
}

func (s clusterSeat) operation(ctx context.Context, search plan.Observed) (map[string]any, error) {
	return s.searches.Operation(ctx, search.UID)
}
