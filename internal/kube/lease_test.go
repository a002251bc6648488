package kube

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/typed/coordination/v1/fake"
	clienttesting "k8s.io/client-go/testing"
)

// leaseServer holds one Lease, with resourceVersions as a real server has them.
type leaseServer struct {
	mu    sync.Mutex
	lease *coordinationv1.Lease
	fault error
}

func (s *leaseServer) reply(a clienttesting.Action) (bool, runtime.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	group := leases().GroupResource()
	put, _ := a.(clienttesting.UpdateAction) // a create has the same methods
	switch {
	case s.fault != nil:
		return true, nil, s.fault
	case a.GetVerb() == "get" && s.lease == nil:
		return true, nil, apierrors.NewNotFound(group, "x")
	case a.GetVerb() == "create" && s.lease != nil:
		return true, nil, apierrors.NewAlreadyExists(group, "x")
	case a.GetVerb() != "get":
		next, version := put.GetObject().(*coordinationv1.Lease).DeepCopy(), 0
		if s.lease != nil {
			if next.ResourceVersion != s.lease.ResourceVersion {
				return true, nil, apierrors.NewConflict(group, "x", errors.New("modified"))
			}
			version, _ = strconv.Atoi(s.lease.ResourceVersion)
		}
		next.ResourceVersion = strconv.Itoa(version + 1)
		s.lease = next
	}
	return true, s.lease.DeepCopy(), nil
}

func (s *leaseServer) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// candidate is a daemon that wants the lease.
type candidate struct {
	*Lease
	log  bytes.Buffer                  // read after the bubble is quiet
	gate atomic.Pointer[chan struct{}] // its requests go nowhere until it is closed
}

func (s *leaseServer) candidate(name string) *candidate {
	c := &candidate{}
	f := &clienttesting.Fake{}
	f.AddReactor("*", "leases", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if gate := c.gate.Load(); gate != nil {
			<-*gate
		}
		return s.reply(a)
	})
	c.Lease = newLease(&fake.FakeCoordinationV1{Fake: f}, LeaseOptions{
		Namespace: "argo", Owner: testOwner, Holder: name, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	})
	return c
}

func (c *candidate) leads(t *testing.T) string {
	t.Helper()
	term, err := c.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return term.Holder
}

// TestLeaseIsGivenBack has a second daemon wait, and say so once, until the first has ended what was under way.
func TestLeaseIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseServer{}
		first, second := server.candidate("first"), server.candidate("second")
		told, tell := context.WithCancel(t.Context())
		acts := make(chan string, 2)
		go first.Hold(told, func(leading context.Context) {
			<-told.Done()
			time.Sleep(20 * time.Second) // longer than a lease that nobody renews
			if leading.Err() != nil {
				t.Error("the lease was lost while an action was under way")
			}
			acts <- "first"
		})
		time.Sleep(time.Second)
		ended, end := context.WithCancel(t.Context())
		go second.Hold(ended, func(context.Context) { acts <- "second"; <-ended.Done() })
		time.Sleep(time.Minute)
		if got := first.leads(t); got != "first" {
			t.Errorf("%q leads", got)
		}
		begin := time.Now()
		tell()
		if got := <-acts + ", " + <-acts; got != "first, second" {
			t.Errorf("acted: %s", got)
		}
		if took := time.Since(begin); took > 25*time.Second {
			t.Errorf("the second daemon acts after %v", took)
		}
		end()
		synctest.Wait()
		if n := strings.Count(second.log.String(), `msg="waits: another daemon leads" holder=first`); n != 1 {
			t.Errorf("it says %d times for whom it waits:\n%s", n, &second.log)
		}
	})
}

// TestLeaseIsLost has the leader's requests go nowhere for a while: it stops acting before another may begin, takes nothing from that
// one when it is back, and waits. It guards nothing but the lease: I1 to I3 hold without.
func TestLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseServer{}
		first, second := server.candidate("first"), server.candidate("second")
		ctx, cancel := context.WithCancel(t.Context())
		var ends, begins time.Time
		terms := 0
		go first.Hold(ctx, func(leading context.Context) {
			terms++
			select {
			case <-leading.Done():
				ends = time.Now()
			case <-ctx.Done():
			}
		})
		time.Sleep(time.Second)
		go second.Hold(ctx, func(context.Context) { begins = time.Now(); <-ctx.Done() })
		time.Sleep(5 * time.Second)
		gate := make(chan struct{})
		first.gate.Store(&gate)
		time.Sleep(time.Minute)
		close(gate)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := second.leads(t); got != "second" || terms != 1 {
			t.Errorf("%q leads, the first one had %d terms", got, terms)
		}
		if n := strings.Count(second.log.String(), "msg=leads "); n != 1 {
			t.Errorf("the second one had %d terms:\n%s", n, &second.log)
		}
		if !begins.After(ends) || ends.IsZero() {
			t.Errorf("the first one acted until %v, the second one from %v", ends, begins)
		}
		cancel()
		synctest.Wait()
		if log := first.log.String(); !strings.Contains(log, "leads no longer") || !strings.Contains(log, "holder=second") {
			t.Errorf("its log:\n%s", log)
		}
	})
}

// TestLeaseCannotBeHad says once what hinders, and goes on when that is over.
func TestLeaseCannotBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &leaseServer{fault: apierrors.NewForbidden(leases().GroupResource(), "trefoil-models", errors.New("no role"))}
		only := server.candidate("only")
		var beats atomic.Int64
		only.Beat = func() { beats.Add(1) }
		ctx, cancel := context.WithCancel(t.Context())
		go only.Hold(ctx, func(context.Context) { <-ctx.Done() })
		time.Sleep(time.Minute)
		if n := beats.Load(); n < 10 {
			t.Errorf("%d beats in a minute", n)
		}
		server.fail(nil)
		time.Sleep(10 * time.Second)
		if got := only.leads(t); got != "only" {
			t.Errorf("%q leads", got)
		}
		cancel()
		synctest.Wait()
		if got := only.leads(t); got != "" {
			t.Errorf("%q leads after its end", got)
		}
		if n := strings.Count(only.log.String(), "no role"); n != 1 {
			t.Errorf("%d lines:\n%s", n, &only.log)
		}
	})
}

// TestLeader reads leases that anybody may have edited.
func TestLeader(t *testing.T) {
	nobody := &leaseServer{}
	if term, err := nobody.candidate("x").Leader(t.Context()); err != nil || term != (Term{}) {
		t.Errorf("without a lease: %+v, %v", term, err)
	}
	odd, seconds := "a\x1b[2Jb\nc", int32(-1)
	edited := &leaseServer{lease: &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &odd, LeaseDurationSeconds: &seconds}}}
	if term, err := edited.candidate("x").Leader(t.Context()); err != nil || term.Holder != "a [2Jb c" {
		t.Errorf("an edited lease: %+v, %v", term, err)
	}
	empty := &leaseServer{lease: &coordinationv1.Lease{}}
	if term, err := empty.candidate("x").Leader(t.Context()); err != nil || !term.Renewed.IsZero() {
		t.Errorf("an empty lease: %+v, %v", term, err)
	}
}
