package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/cache"
	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// childVerb makes this program the process that evaluates CUE for another one.
	childVerb = "evaluate-cue"
	// patience is how long CUE may evaluate one model.
	patience = 10 * time.Second
	// mostChildren is how many processes evaluate at once for one command, each with up to 1 GiB of memory.
	mostChildren = 4
	// mostCached is what is kept on disk of what was judged, in bytes: 1,000 models come to 2 MB.
	mostCached = 256 << 20
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

// evaluators have CUE evaluated by children of this program, so that no spec can end it: brief is for commands that end soon and want
// their answer now, lasting for those that go on. These have one child at a time, as the memory of a pod is counted for, and remember
// by themselves what was judged. The store, which may be nil, has what is kept from one brief command to the next.
func evaluators(env func(string) (string, bool)) (brief, lasting schema.Evaluator, store *cache.Dir, err error) {
	program, err := sandbox.Program()
	if err != nil {
		return nil, nil, nil, err
	}
	o := sandbox.Options{Command: []string{program, os.Args[0], childVerb}, Deadline: patience}
	lasting = sandbox.New(o).Evaluate
	o.Children = min(runtime.GOMAXPROCS(0), mostChildren)
	if dir, id := cacheDir(env), identity(program); dir != "" && id != "" {
		store = cache.Open(dir, id, mostCached)
		o.Store = store
	}
	return sandbox.New(o).Evaluate, lasting, store, nil
}

// cacheDir is where commands keep what was judged before: TREFOIL_CACHE_DIR, or the folder for caches of this user. "" is nowhere.
func cacheDir(env func(string) (string, bool)) string {
	if dir, ok := env("TREFOIL_CACHE_DIR"); ok {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "trefoil", "specs")
}

// identity tells this program from others that may judge in another way; "" where that can't be told. A build of a commit, or of a
// version, is known by that, any other one by its file.
func identity(program string) string {
	info, ok := debug.ReadBuildInfo()
	clean := func(s debug.BuildSetting) bool { return s.Key == "vcs.modified" && s.Value == "false" }
	if ok && (info.Main.Sum != "" || slices.ContainsFunc(info.Settings, clean)) {
		return info.String()
	}
	about, err := os.Stat(program)
	if err != nil {
		return ""
	}
	return fmt.Sprint(about.Size(), about.ModTime().UnixNano())
}

// load reads a repository for every verb and for the daemon alike: what the spec says, then what it renders to.
func (a *app) load(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
	key := a.kept.state(tree)
	if c, ok := a.kept.get(key); ok {
		return c, nil
	}
	c, err := a.memory.Load(ctx, tree, a.evaluate)
	if err != nil {
		return schema.Catalog{}, err
	}
	c = c.With(render.Check(c))
	if key != "" && sound(c) && key == a.kept.state(tree) { // nobody has changed it meanwhile
		a.kept.put(key, c)
	}
	return c, nil
}
