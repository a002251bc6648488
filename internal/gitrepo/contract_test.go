package gitrepo

import (
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/enginetest"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// TestSource is what every Source promises, over http from the real git.
func TestSource(t *testing.T) {
	enginetest.Source(t, func(t *testing.T) (reconcile.Source, enginetest.Push) {
		s := serve(t, nil)
		return open(t, options(s.url)), func(files map[string]string) {
			work := s.clone(t)
			write(t, work, files)
			s.publish(t, work, "push")
		}
	})
}

// TestCheckoutSource is the same in a person's work tree.
func TestCheckoutSource(t *testing.T) {
	enginetest.Source(t, func(t *testing.T) (reconcile.Source, enginetest.Push) {
		dir := person(t, nil)
		return checkout(t, dir), func(files map[string]string) {
			write(t, dir, files)
			commitAll(t, dir, "push")
		}
	})
}
