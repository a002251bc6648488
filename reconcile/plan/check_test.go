package plan_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// answered is an entry of answers.yaml: what the model at a place of mnist has answered.
type answered struct {
	Asked   string // overrides what it was asked
	Image   string // overrides what it was asked of
	Images  []string
	Numbers map[string]float64
	Fault   string
}

// answer puts the answers of a case, by environment, to what is live of mnist.
func (s *scene) answer(t *testing.T, archive *txtar.Archive, live plan.Live) {
	t.Helper()
	all := map[string]answered{}
	if err := yaml.UnmarshalStrict([]byte(section(archive, "answers.yaml")), &all); err != nil {
		t.Fatal(err)
	}
	for ref, objects := range live.Objects {
		for i, o := range objects {
			a, found := all[o.Environment]
			if !found || o.Model != "mnist" {
				continue
			}
			check := s.check(o.Environment)
			q := plan.Question{At: ref, UID: o.UID, Image: cmp.Or(a.Image, o.Image), Data: cmp.Or(a.Asked, check.Data)}
			var ways []string
			for _, b := range check.Expect {
				ways = append(ways, b.Metric)
			}
			q.Ways = strings.Join(slices.Compact(ways), " ")
			objects[i].Answer = &plan.Answer{To: q, Images: a.Images, Numbers: a.Numbers, Fault: a.Fault}
		}
	}
}

func (s *scene) check(environment string) schema.Check {
	for _, m := range s.now.Models {
		for _, e := range m.Serve {
			if m.Name == "mnist" && e.Name == environment && e.Check != nil {
				return *e.Check
			}
		}
	}
	return schema.Check{}
}

// asked are the questions of a plan, which it does not print itself.
func asked(p plan.Plan) string {
	var b strings.Builder
	for _, q := range p.Asks {
		fmt.Fprintf(&b, "(asks %s for %q: answered %t, met %t)\n", q.At, q.Ways, q.Answered, q.Met)
	}
	return b.String()
}
