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
