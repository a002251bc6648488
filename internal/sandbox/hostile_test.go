package sandbox_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/schema"
)

var (
	all    = flag.Bool("hostile", false, "the whole corpus, which takes minutes, instead of what fails fast")
	update = flag.Bool("update", false, "write what tests see as what they want")
)

// fast are the repositories that every run tries: they end their child within moments.
var fast = []string{"bits-lsh", "many", "retired", "selected", "strings-repeat"}

// deadline is that of a unit: shorter than a daemon's, long enough for what is harmless.
const deadline = 2 * time.Second

// healthy stands beside what is hostile.
const healthy = `package models

models: healthy: {
	train: {
		image: "python:3.12"
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {random: experiments: 4, matrix: lr: uniform: "0:1"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
}
`

// TestHostile loads the repositories of testdata/hostile beside a healthy model. Each comes to its findings, the healthy model is
// judged as if it were alone unless all of the revision is frozen (I10), what failed is not tried again, and no process grows
// without bound (I7).
func TestHostile(t *testing.T) {
	names, err := filepath.Glob("testdata/hostile/*.txtar")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d repositories: %v", len(names), err)
	}
	before := rss(t)
	t.Run("corpus", func(t *testing.T) {
		for _, name := range names {
			short := strings.TrimSuffix(filepath.Base(name), ".txtar")
			if !*all && !slices.Contains(fast, short) {
				continue
			}
			t.Run(short, func(t *testing.T) {
				t.Parallel()
				hostile(t, name)
			})
		}
	})
	var children syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
		t.Fatal(err)
	}
	t.Logf("this process grew from %d to %d MiB, the largest child to %d MiB", before, rss(t), children.Maxrss>>10)
	if after := rss(t); after > before+200 {
		t.Errorf("this process grew from %d to %d MiB", before, after)
	}
}

func hostile(t *testing.T, name string) {
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := tree{fstest.MapFS{"models.cue": {Data: []byte(healthy), Mode: 0o644}}}
	for _, f := range a.Files {
		if f.Name != "want" {
			path, data := unrolled(t, f)
			files.MapFS[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		}
	}
	s := newSandbox(t, deadline)
	first := load(t, s, files)
	wants(t, name, a, summary(first))
	if diff := cmp.Diff(first, load(t, s, files)); diff != "" {
		t.Errorf("the same files, another catalog (-first +second):\n%s", diff)
	}
}

// load loads until there was time for all of it, as the daemon does: on a busy machine a child may have had no part of the time
// that it was given.
func load(t *testing.T, s *sandbox.Sandbox, files schema.Tree) schema.Catalog {
	t.Helper()
	for range 10 {
		begun := time.Now()
		c, err := schema.LoadWith(t.Context(), files, s.Evaluate)
		took := time.Since(begun)
		t.Logf("%v, again: %v, %v", took.Round(time.Millisecond), c.Again, err)
		if took > 5*deadline {
			t.Errorf("one load took %v", took)
		}
		if err == nil && !c.Again {
			return c
		}
	}
	t.Fatal("there is never enough time")
	return schema.Catalog{}
}

// unrolled is the file of an archive. The text of NAME*1000 is in three: what comes first, what comes a thousand times, where #
// stands for the number, and the rest.
func unrolled(t *testing.T, f txtar.File) (string, []byte) {
	path, times, found := strings.Cut(f.Name, "*")
	if !found {
		return path, f.Data
	}
	n, err := strconv.Atoi(times)
	parts := strings.Split("\n"+string(f.Data), "\n===\n")
	if err != nil || len(parts) != 3 {
		t.Fatalf("%s: %d parts, %v", f.Name, len(parts), err)
	}
	var b bytes.Buffer
	b.WriteString(parts[0])
	for i := range n {
		b.WriteString(strings.ReplaceAll(parts[1], "#", strconv.Itoa(i)))
	}
	b.WriteString(parts[2])
	return path, b.Bytes()
}

// summary is findings, the first ones of many, and the names of the models. What was over first is left out, time or memory:
// that depends on the machine, and the race detector has a crash of its own.
func summary(c schema.Catalog) string {
	const shown = 12
	var b strings.Builder
	for _, f := range c.Findings[:min(shown, len(c.Findings))] {
		fmt.Fprintf(&b, "%s [%s]\n", f, f.Scope)
	}
	if more := len(c.Findings) - shown; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	for _, m := range c.Models {
		fmt.Fprintf(&b, "model %s\n", m.Name)
	}
	return regexp.MustCompile(`(took longer than \d+s|ran out of memory|went too deep|crashed CUE) \(.*?\) \[`).ReplaceAllString(b.String(), "took too much [")
}

// wants compares with the section of the archive, or writes it.
func wants(t *testing.T, name string, a *txtar.Archive, got string) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	if *update {
		if i < 0 {
			a.Files, i = append(a.Files, txtar.File{Name: "want"}), len(a.Files)
		}
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if i < 0 {
		t.Fatalf("wants nothing; it came to\n%s", got)
	}
	if diff := cmp.Diff(string(a.Files[i].Data), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// rss is what this process holds of memory, in MiB; 0 where the system does not say.
func rss(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize() >> 20
}
