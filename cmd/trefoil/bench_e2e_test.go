//go:build e2e

package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkVet runs the built `trefoil validate` beside `cue vet ./...` on repositories as `trefoil init` begins them, with so many
// models. It tells medians in milliseconds: cold is with nothing kept, edit with one model of many changed, warm with none. The ratio is
// cold over cue, the exponent that of cold over models since the size before: 1 is linear.
func BenchmarkVet(b *testing.B) {
	bin := b.TempDir()
	trefoil, cue := filepath.Join(bin, "trefoil"), filepath.Join(bin, "cue")
	run(b, "../..", nil, "go", "build", "-o", trefoil, "./cmd/trefoil")
	run(b, "../..", nil, "go", "build", "-modfile=.github/cue/go.mod", "-o", cue, "cuelang.org/go/cmd/cue")
	if theirs, ours := cueVersion(b, "../../.github/cue/go.mod"), cueVersion(b, "../../go.mod"); theirs != ours {
		b.Fatalf(".github/cue/go.mod has CUE %s, go.mod %s", theirs, ours)
	}
	last, size := 0.0, 0
	for _, n := range []int{10, 100, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			times := turns(b, n, trefoil, cue)
			b.ReportMetric(times["cold-ms"]/times["cue-ms"], "ratio")
			if last > 0 {
				b.ReportMetric(math.Log(times["cold-ms"]/last)/math.Log(float64(n)/float64(size)), "exponent")
			}
			last, size = times["cold-ms"], n
		})
	}
}

// BenchmarkPlan runs the built `trefoil plan --base` on repositories with so many models, each in a file of its own, of which one
// changed. It tells medians in milliseconds: cold is with nothing kept, edit with one model changed since the last time, warm with none.
func BenchmarkPlan(b *testing.B) {
	trefoil := filepath.Join(b.TempDir(), "trefoil")
	run(b, "../..", nil, "go", "build", "-o", trefoil, "./cmd/trefoil")
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "models")
			run(b, ".", nil, trefoil, "init", dir)
			write := func(i int, more string) {
				text := strings.NewReplacer("NAME", fmt.Sprintf("m%d", i), "MORE", more).Replace(model)
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%d.cue", i)), []byte("package models\n"+text), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			for i := range n {
				write(i, "")
			}
			for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "models"}} {
				run(b, dir, nil, "git", args...)
			}
			cache, nowhere := []string{"TREFOIL_CACHE_DIR=" + b.TempDir()}, []string{"TREFOIL_CACHE_DIR="}
			edits, plan := 0, []string{"plan", "--base", "HEAD"}
			medians(b, func(measure func(string, func())) {
				edits++
				write(n/2, fmt.Sprintf("labels: edit: \"%d\"", edits))
				measure("cold-ms", func() { run(b, dir, nowhere, trefoil, plan...) })
				measure("edit-ms", func() { run(b, dir, cache, trefoil, plan...) })
				measure("warm-ms", func() { run(b, dir, cache, trefoil, plan...) })
			})
		})
	}
}

// turns has all of them run in turns, since others may be at work on this machine.
func turns(b *testing.B, n int, trefoil, cue string) map[string]float64 {
	dir := filepath.Join(b.TempDir(), "models")
	run(b, ".", nil, trefoil, "init", dir)
	cache, nowhere := []string{"TREFOIL_CACHE_DIR=" + b.TempDir()}, []string{"TREFOIL_CACHE_DIR="}
	edits := 0
	return medians(b, func(measure func(string, func())) {
		edits++
		fleet(b, dir, n, fmt.Sprintf("labels: edit: \"%d\"", edits))
		measure("cue-ms", func() { run(b, dir, nil, cue, "vet", "./...") })
		measure("cold-ms", func() { run(b, dir, nowhere, trefoil, "validate") })
		measure("edit-ms", func() { run(b, dir, cache, trefoil, "validate") })
		measure("warm-ms", func() { run(b, dir, cache, trefoil, "validate") })
	})
}

// medians tells how long what turn measures takes, by name.
func medians(b *testing.B, turn func(measure func(name string, do func()))) map[string]float64 {
	all, middle := map[string][]time.Duration{}, map[string]float64{}
	for b.Loop() {
		turn(func(name string, do func()) {
			begun := time.Now()
			do()
			all[name] = append(all[name], time.Since(begun))
		})
	}
	for name, times := range all {
		middle[name] = float64(slices.Sorted(slices.Values(times))[len(times)/2].Microseconds()) / 1000
		b.ReportMetric(middle[name], name)
	}
	return middle
}

// cueVersion is the version of CUE that a module file asks for.
func cueVersion(b *testing.B, file string) string {
	b.Helper()
	data, err := os.ReadFile(file)
	found := regexp.MustCompile(`cuelang\.org/go (v\S+)`).FindSubmatch(data)
	if err != nil || found == nil {
		b.Fatalf("%s: no CUE, %v", file, err)
	}
	return string(found[1])
}

// fleet writes n models, as long as that of the example; the first one says something more.
func fleet(b *testing.B, dir string, n int, more string) {
	b.Helper()
	text := strings.Builder{}
	for i, files := 0, 0; i < n; i++ {
		if i > 0 {
			more = ""
		}
		text.WriteString(strings.NewReplacer("NAME", fmt.Sprintf("m%d", i), "MORE", more).Replace(model))
		if text.Len() > 900<<10 || i == n-1 { // a file may have 1 MiB
			name := filepath.Join(dir, fmt.Sprintf("fleet%d.cue", files))
			if err := os.WriteFile(name, []byte("package models\n"+text.String()), 0o644); err != nil {
				b.Fatal(err)
			}
			text.Reset()
			files++
		}
	}
}

const model = `
models: NAME: {
	MORE
	owner: "vision@example.com"
	train: {
		image: "registry.example/mnist-train:1"
		source: path: "train"
		command: ["python", "run.py", "--lr={{ lr }}", "--momentum={{ momentum }}", "--epochs={{ epochs }}"]
		params: {epochs: 5}
		search: {
			random: {experiments: 10, seed: 7}
			concurrency: 5
			matrix: {
				lr: linspace:      "0.001:0.1:5"
				momentum: uniform: "0.5:0.6"
			}
		}
		artifact: "model.dat"
		resources: limits: {cpu: "1", memory: "512Mi"}
	}
	select: {metric: "accuracy", goal: "maximize", #gate: {accuracy: >=0.9}}
	package: {
		image: "registry.example/NAME"
		source: path: "serve"
		builder: s2i: image: "seldonio/seldon-core-s2i-python3:1.17.1"
	}
	serve: {
		staging: {namespace: "ml-staging"}
		production: {namespace: "ml", replicas: 3}
	}
}
`

func run(b *testing.B, dir string, env []string, name string, args ...string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
