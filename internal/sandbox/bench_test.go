package sandbox_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/cache"
	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/schema"
)

// fleet is a repository of n models in one file, each as long as that of the example.
func fleet(n int) tree {
	var b strings.Builder
	b.WriteString("package models\n\nmodels: [_]: train: timeout: \"1h\"\n")
	for i := range n {
		fmt.Fprintf(&b, `
models: "m%d": {
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
		image: "registry.example/m%d"
		source: path: "serve"
		builder: s2i: image: "seldonio/seldon-core-s2i-python3:1.17.1"
	}
	serve: {
		staging: {namespace: "ml-staging"}
		production: {namespace: "ml", replicas: 3}
	}
}
`, i, i)
	}
	files := tree{fstest.MapFS{"train/run.py": {Mode: 0o644}, "serve/Model.py": {Mode: 0o644}}}
	text := b.String()
	for i := 0; len(text) > 0; i++ { // in files below the limit
		cut := len(text)
		if enough := 900 << 10; cut > enough {
			cut = enough + strings.Index(text[enough:], "\nmodels:")
		}
		files.MapFS[fmt.Sprintf("models%d.cue", i)] = &fstest.MapFile{Data: []byte(text[:cut]), Mode: 0o644}
		text = text[cut:]
		if text != "" {
			text = "package models\n" + text
		}
	}
	return files
}

func judge(b *testing.B, s *sandbox.Sandbox, files tree, n int) {
	b.Helper()
	c, err := schema.LoadWith(b.Context(), files, s.Evaluate)
	if err != nil || len(c.Models) != n {
		b.Fatalf("%d models, %v, findings %.300v", len(c.Models), err, c.Findings)
	}
}

// BenchmarkLoad judges revisions of which nothing is known yet. The exponent is that of time over models, since the size before: 1
// is linear.
func BenchmarkLoad(b *testing.B) {
	last, size := time.Duration(0), 0
	for _, n := range []int{1, 10, 100, 1000, 2000} {
		files := fleet(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				judge(b, newSandbox(b, 10*time.Second), files, n)
			}
			each := b.Elapsed() / time.Duration(b.N)
			if last > 0 {
				b.ReportMetric(math.Log(float64(each)/float64(last))/math.Log(float64(n)/float64(size)), "exponent")
			}
			last, size = each, n
		})
	}
}

// BenchmarkEdit changes one model of many: the others are not evaluated again.
func BenchmarkEdit(b *testing.B) {
	const n = 1000
	files, s := fleet(n), newSandbox(b, 10*time.Second)
	judge(b, s, files, n)
	text := string(files.MapFS["models0.cue"].Data)
	i := 0
	for b.Loop() {
		i++
		edited := strings.Replace(text, `"m7": {`, fmt.Sprintf("\"m7\": {\n\tlabels: edit: \"%d\"\n", i), 1)
		files.MapFS["models0.cue"] = &fstest.MapFile{Data: []byte(edited), Mode: 0o644}
		judge(b, s, files, n)
	}
}

// BenchmarkKept loads what another process judged before: all of it, or all but one model.
func BenchmarkKept(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 2000} {
		files, store := fleet(n), cache.Open(b.TempDir(), "bench", 1<<30)
		fresh := func() *sandbox.Sandbox {
			s := newSandbox(b, 10*time.Second)
			s.Store = store
			return s
		}
		judge(b, fresh(), files, n)
		text, i := string(files.MapFS["models0.cue"].Data), 0
		b.Run(fmt.Sprint("all/", n), func(b *testing.B) {
			for b.Loop() {
				judge(b, fresh(), files, n)
			}
		})
		b.Run(fmt.Sprint("edit/", n), func(b *testing.B) {
			for b.Loop() {
				i++
				edited := strings.Replace(text, `"m7": {`, fmt.Sprintf("\"m7\": {\n\tlabels: edit: \"%d\"\n", i), 1)
				files.MapFS["models0.cue"] = &fstest.MapFile{Data: []byte(edited), Mode: 0o644}
				judge(b, fresh(), files, n)
			}
		})
	}
}

// BenchmarkMemory tells the most that this process and its largest child held, in MiB (I7).
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		files := fleet(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				judge(b, newSandbox(b, 10*time.Second), files, n)
			}
			runtime.GC()
			var children syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(children.Maxrss>>10), "child-MiB")
			b.ReportMetric(float64(peak(b)), "parent-MiB")
		})
	}
}

// peak is the most memory that this process ever held, in MiB; 0 where the system does not say.
func peak(b *testing.B) int {
	b.Helper()
	data, err := os.ReadFile("/proc/self/status")
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(data)
	if err != nil || found == nil {
		return 0
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		b.Fatal(err)
	}
	return kib >> 10
}
