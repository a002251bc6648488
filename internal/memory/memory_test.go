package memory_test

import (
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/enginetest"
	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// engine is all in memory, so it is one engine however often it is opened.
func engine(*testing.T) func() reconcile.Engine {
	e := memory.NewEngine(time.Now)
	return func() reconcile.Engine { return e }
}

func TestCluster(t *testing.T) { enginetest.Cluster(t, engine) }

func TestSearches(t *testing.T) { enginetest.Searches(t, engine) }

func TestSource(t *testing.T) {
	enginetest.Source(t, func(*testing.T) (reconcile.Source, enginetest.Push) {
		s := &memory.Source{}
		return s, func(files map[string]string) {
			contents := map[string][]byte{}
			for name, text := range files {
				contents[name] = []byte(text)
			}
			s.Push("push", contents)
		}
	})
}
