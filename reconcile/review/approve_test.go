package review_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/reconcile/review"
)

// TestUnapproved asks for words about the changes of cases.
func TestUnapproved(t *testing.T) {
	t.Parallel()
	const retrain, remove = "rerun of mnist (Trefoil-Approve: rerun mnist)", "delete of fraud (Trefoil-Approve: delete fraud)"
	for name, tc := range map[string]struct {
		change   string // a case of testdata
		rules    review.Rules
		messages []string
		want     []string
	}{
		"no rules":                  {"rerun-image", review.Rules{}, nil, nil},
		"another word":              {"rerun-image", review.Rules{Words: []string{"delete", "search"}}, nil, nil},
		"no word":                   {"rerun-image", words("rerun"), nil, []string{retrain}},
		"a word for all":            {"rerun-image", words("rerun"), []string{"more data\n\nTrefoil-Approve: rerun\n"}, nil},
		"a word for the model":      {"rerun-image", words("rerun"), []string{"x", "y\n\ntrefoil-approve:  delete a, rerun fraud mnist\n"}, nil},
		"a word for another model":  {"rerun-image", words("rerun"), []string{"x\n\nTrefoil-Approve: rerun fraud"}, []string{retrain}},
		"a word for something else": {"rerun-image", words("rerun"), []string{"x\n\nTrefoil-Approve: delete"}, []string{retrain}},
		"not in a line of its own":  {"rerun-image", words("rerun"), []string{"this needs no Trefoil-Approve: rerun"}, []string{retrain}},
		"few experiments":           {"rerun-image", review.Rules{Experiments: 10}, nil, nil},
		"many experiments": {"rerun-image", review.Rules{Experiments: 9}, nil,
			[]string{"10 experiments, more than 9 (Trefoil-Approve: experiments)"}},
		"a word for experiments": {"rerun-image", review.Rules{Experiments: 9}, []string{"x\n\nTrefoil-Approve: experiments"}, nil},
		"a rerun under way":      {"promote-and-retrain", words("promote", "rerun"), []string{"x\n\nTrefoil-Approve: rerun"}, []string{"promote of mnist (Trefoil-Approve: promote mnist)"}},
		"a deletion":             {"model-away", words("delete"), nil, []string{remove}},
		"one that is retired":    {"retired-model", words("delete"), nil, nil},
		"an environment":         {"environment-away", words("delete"), nil, []string{remove}},
		"one of several":         {"environment-away-retired", words("delete"), nil, nil},
		"one that holds":         {"environments-away-retired", words("delete"), nil, nil},
		"what moves":             {"namespace-moved", words("delete"), nil, nil},
		"what holds":             {"fuse-half", words("delete"), nil, nil},
		"a rename":               {"rename", words("delete"), nil, nil},
		"a rename that leaves an environment": {"rename-environment-away", words("delete"), nil,
			[]string{"delete of scoring (Trefoil-Approve: delete scoring)"}},
		"nothing": {"comment", words(review.Words()...), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := txtar.ParseFile("testdata/" + tc.change + ".txtar")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, compared(t, c).Unapproved(tc.rules, tc.messages)); d != "" {
				t.Errorf("unapproved (-want +got)\n%s", d)
			}
		})
	}
}

func words(all ...string) review.Rules { return review.Rules{Words: all} }
