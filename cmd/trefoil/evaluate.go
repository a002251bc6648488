package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// childVerb makes this program the process that evaluates CUE for another one.
	childVerb = "evaluate-cue"
	// patience is how long CUE may evaluate one model.
	patience = 10 * time.Second
)

// child is started by the program itself, with pipes in place of streams.
func (a *app) child() *cobra.Command {
	return &cobra.Command{
		Use:    childVerb,
		Hidden: true,
		Args:   noWords,
		RunE:   func(*cobra.Command, []string) error { return sandbox.Serve(os.Stdin, a.out) },
	}
}

// evaluator has CUE evaluated by children of this program, so that no spec can end it.
func evaluator() (schema.Evaluator, error) {
	program, err := sandbox.Program()
	if err != nil {
		return nil, err
	}
	o := sandbox.Options{Command: []string{program, os.Args[0], childVerb}, Deadline: patience, Children: 2}
	return sandbox.New(o).Evaluate, nil
}

// load reads a repository for every verb and for the daemon alike: what the spec says, then what it renders to.
func (a *app) load(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
	c, err := schema.LoadWith(ctx, tree, a.evaluate)
	if err != nil {
		return schema.Catalog{}, err
	}
	return c.With(render.Check(c)), nil
}
