package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// planFile is a saved plan as a file. It can only narrow what is done: what it says is carried out only where the planner, asked
// again, says the same.
type planFile struct {
	FormatVersion int                `json:"format_version"`
	Owner         string             `json:"owner"` // whose objects the plan is about: URL, branch and path of the specs
	Revision      plan.Revision      `json:"revision"`
	Actions       []plan.SavedAction `json:"actions"`
}

// save writes a plan so that a reader finds the whole of it or what was there before.
func save(file, owner string, p plan.Plan, revision plan.Revision) error {
	s := plan.Save(p, revision)
	text, err := json.MarshalIndent(planFile{formatVersion, owner, s.Revision, s.Actions}, "", "  ")
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".trefoil-plan-*")
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	defer os.Remove(f.Name()) // gone already where it was renamed
	_, err1 := f.Write(append(text, '\n'))
	if err := cmp.Or(err1, f.Close()); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// largestPlan is more than any plan takes, in bytes.
const largestPlan = 64 << 20

// savedPlan reads a plan for the repository of the owner.
func savedPlan(file, owner string) (*plan.Saved, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, largestPlan+1))
	if err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	if len(text) > largestPlan {
		return nil, fmt.Errorf("--plan: %s is no plan: it has more than %d MiB", file, largestPlan>>20)
	}
	var p planFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	switch err := d.Decode(&p); {
	case err != nil || d.More() || p.Revision == "" || p.Actions == nil:
		return nil, fmt.Errorf("--plan: %s is no plan that `trefoil plan --live -o FILE` saved", file)
	case p.FormatVersion != formatVersion:
		return nil, fmt.Errorf("--plan: %s was saved by another version of trefoil: plan again", file)
	case p.Owner != owner:
		return nil, fmt.Errorf("--plan: %s was made for another repository, branch or path", file)
	}
	return &plan.Saved{Revision: p.Revision, Actions: p.Actions}, nil
}
