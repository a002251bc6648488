package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// TestMessage: whatever people call a commit, what was recorded is in it, and the trailers are its last paragraph, where git looks.
func TestMessage(t *testing.T) {
	t.Parallel()
	one := []plan.Record{{Model: "mnist", Subject: "release 1 is x", Release: 1, Search: "v1-1"}}
	two := []plan.Record{{Model: "mnist", Subject: "release 1 is x", Release: 1, Search: "v1-1"}, {Model: "fraud", Subject: "release 2 is y", Release: 2, Search: "v1-2"}}
	mnist, fraud := "Trefoil-Model: mnist\nTrefoil-Release: 1\nTrefoil-Search: v1-1\n", "Trefoil-Model: fraud\nTrefoil-Release: 2\nTrefoil-Search: v1-2\n"
	const base = "Trefoil-Spec-Commit: abc\n"
	chore := func(subject string, models []string) string {
		return fmt.Sprintf("chore(%s): %s [skip ci]", strings.Join(models, ","), subject)
	}
	for _, test := range []struct {
		records []plan.Record
		phrase  func(string, []string) string
		want    string
	}{
		{one, nil, "mnist: release 1 is x\n\n" + mnist + base},
		{two, nil, "2 models: fraud and others\n\nfraud: release 2 is y\nmnist: release 1 is x\n\n" + fraud + mnist + base},
		{one, chore, "chore(mnist): mnist: release 1 is x [skip ci]\n\nmnist: release 1 is x\n\n" + mnist + base},
		{two, chore, "chore(fraud,mnist): 2 models: fraud and others [skip ci]\n\nfraud: release 2 is y\nmnist: release 1 is x\n\n" + fraud + mnist + base},
	} {
		if got := plan.Message(test.records, "abc", test.phrase); got != test.want {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
	}
}
