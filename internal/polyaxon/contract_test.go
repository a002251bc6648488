package polyaxon

import (
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/enginetest"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// contract is what every engine of searches promises.
func contract(b *bench) {
	enginetest.Searches(b.T, func(*testing.T) func() reconcile.Engine {
		return func() reconcile.Engine { return b.newEngine(enginetest.Owner, b.engine.project) }
	})
}
