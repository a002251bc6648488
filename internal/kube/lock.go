package kube

import (
	"context"
	"errors"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/trefoil-gitops/trefoil/reconcile"
)

func leases() apischema.GroupVersionResource {
	return coordinationv1.SchemeGroupVersion.WithResource("leases")
}

// errTaken says that somebody else holds the lease.
var errTaken = errors.New("somebody else holds the lease")

// lock is client-go's for one term, called by one goroutine. It adds what a process that slept, or was stopped, needs. A timer of its
// own ends the term, whatever a request waits for; so does reading another name, where client-go goes on for the rest of its
// deadline. And only what is ours is given back, where client-go clears whatever is there.
type lock struct {
	resourcelock.LeaseLock
	of   *Lease
	lose func()

	fuse   *time.Timer // ends the term unless the lease is renewed; nil until it is held
	holder string      // when it was read last
	waits  string      // for whom, as it was told
	fault  string      // of the last request, as it was told
}

// Get reads the lease.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if apierrors.IsNotFound(err) && !aboutNamespace(err) { // it is made next
		return nil, nil, err
	}
	l.answered(ctx, err)
	if err != nil {
		return nil, nil, err
	}
	l.holder = record.HolderIdentity
	switch {
	case l.holder == l.of.Holder:
	case l.fuse != nil:
		l.lose()
	case l.holder != "" && l.holder != l.waits:
		l.waits = l.holder
		l.of.Log.Info("waits: another daemon leads", "holder", reconcile.Line(l.holder))
	}
	return record, raw, nil
}

// Create makes the lease, held by us.
func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.put(ctx, record, l.LeaseLock.Create)
}

// Update takes, renews or gives back the lease.
func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if record.HolderIdentity == "" && l.holder != l.of.Holder {
		return errTaken
	}
	return l.put(ctx, record, l.LeaseLock.Update)
}

// put writes the lease. That somebody was faster is no fault: it is read next.
func (l *lock) put(ctx context.Context, record resourcelock.LeaderElectionRecord,
	write func(context.Context, resourcelock.LeaderElectionRecord) error,
) error {
	sent := time.Now() // others count from when the server took it, which is after this
	err := write(ctx, record)
	if err == nil {
		l.holder = record.HolderIdentity
		l.burn(renewDeadline + retryPeriod - time.Since(sent))
	}
	if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
		l.answered(ctx, err)
	}
	return err
}

// burn lights the fuse anew.
func (l *lock) burn(length time.Duration) {
	if l.fuse == nil {
		l.fuse = time.AfterFunc(length, l.lose)
		return
	}
	l.fuse.Reset(length)
}

// answered takes down how a request went; what hinders is told once.
func (l *lock) answered(ctx context.Context, err error) {
	l.of.Beat()
	switch {
	case ctx.Err() != nil:
	case err == nil:
		l.fault = ""
	default:
		if fault := explain(err, l.of.ref(), leases()).Error(); fault != l.fault {
			l.fault = fault
			l.of.Log.Warn("the lease can't be had", "error", fault)
		}
	}
}
