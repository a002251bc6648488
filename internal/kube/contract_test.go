//go:build e2e

package kube

import (
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/enginetest"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// contract is what every engine in a cluster promises.
func (s *suite) contract(t *testing.T) {
	enginetest.Cluster(t, func(t *testing.T) func() reconcile.Engine {
		return func() reconcile.Engine { return s.startAs(t, enginetest.Owner) }
	})
}
