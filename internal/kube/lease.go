package kube

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// The times of client-go's own controllers: a leader that could not renew its lease for 10 s stops, and after 15 s another takes it.
const (
	leaseLength   = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// LeaseOptions say which lease, and who wants it.
type LeaseOptions struct {
	Cluster   *rest.Config
	Namespace string
	Owner     string // render.Settings.Owner
	Holder    string // who this daemon is; no other one has the same name
	// Beat is called after each request for the lease, whatever came of it; it must not block. It may be nil.
	Beat func()
	// Log gets a line when this daemon begins to wait, and for whom, and when it leads or no longer does. It may be nil.
	Log *slog.Logger
}

// Lease lets one daemon of a repository act at a time. That saves work and keeps races rare; nothing is wrong while two act.
type Lease struct {
	LeaseOptions
	client coordinationclient.LeasesGetter
}

// Term is what the lease says of who leads.
type Term struct {
	Holder  string        // empty where it was given back
	Renewed time.Time     // by the holder's clock; zero where nobody ever led
	Length  time.Duration // how long after Renewed nobody else may take it
}

// NewLease makes a Lease. It sends no request.
func NewLease(options LeaseOptions) (*Lease, error) {
	config := rest.CopyConfig(options.Cluster)
	config.Wrap(discreetly(config))
	config.Timeout = renewDeadline / 2 // so that one request without an answer does not cost the lease
	client, err := coordinationclient.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return newLease(client, options), nil
}

func newLease(client coordinationclient.LeasesGetter, options LeaseOptions) *Lease {
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	if options.Beat == nil {
		options.Beat = func() {}
	}
	return &Lease{options, client}
}

// ownName is what the one lease, and the one report, of a repository are called.
func ownName(owner string) string { return "trefoil-" + owner }

// ownLabels tell whose they are. They lack a model: what has one is an object of the repository, and may be deleted.
func ownLabels(owner string) map[string]string {
	return map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelRepository: owner}
}

// Leader reads who leads. Nobody ever having led is no error.
func (l *Lease) Leader(ctx context.Context) (Term, error) {
	lease, err := l.client.Leases(l.Namespace).Get(ctx, ownName(l.Owner), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Term{}, nil
	}
	if err != nil {
		return Term{}, fmt.Errorf("lease: %w", explain(err, l.ref(), leases()))
	}
	record := resourcelock.LeaseSpecToLeaderElectionRecord(&lease.Spec)
	return Term{reconcile.Line(record.HolderIdentity), record.RenewTime.UTC(), time.Duration(record.LeaseDurationSeconds) * time.Second}, nil
}

// Hold waits for the lease and calls act while it is held, again and again until ctx ends. The context of act ends when the lease is
// lost, and only then: on the end of ctx act has to return by itself. The lease is renewed until it has, then given back.
func (l *Lease) Hold(ctx context.Context, act func(leading context.Context)) {
	for ctx.Err() == nil {
		l.term(ctx, act)
	}
}

// term waits for the lease once, and acts once.
func (l *Lease) term(ctx context.Context, act func(context.Context)) {
	quiet := klog.NewContext(context.WithoutCancel(ctx), klog.Logger{}) // what matters of it is told by the lock
	holding, release := context.WithCancel(quiet)
	defer release()
	leading, lose := context.WithCancel(quiet)
	defer lose()
	elected, over := make(chan struct{}), make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          &lock{LeaseLock: l.lock(), of: l, lose: lose},
		LeaseDuration: leaseLength, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(elected) },
			OnStoppedLeading: lose,
		},
	})
	if err != nil { // of constants
		panic(err)
	}
	go func() {
		defer close(over)
		elector.Run(holding)
	}()
	select {
	case <-ctx.Done():
	case <-elected:
		l.Log.Info("leads", "lease", l.Namespace+"/"+ownName(l.Owner))
		act(leading)
		if leading.Err() != nil {
			l.Log.Warn("leads no longer: the lease was lost; what was under way is cancelled")
		}
	}
	release()
	<-over
}

func (l *Lease) lock() resourcelock.LeaseLock {
	return resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: l.Namespace, Name: ownName(l.Owner)},
		Client:     l.client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: l.Holder},
		Labels:     ownLabels(l.Owner),
	}
}

func (l *Lease) ref() render.Ref {
	return render.Ref{Kind: "Lease", Namespace: l.Namespace, Name: ownName(l.Owner)}
}
