//go:build e2e

package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Build builds what is missing of the stack's programs from the Go module proxy
// and returns where all are. They are kept per version in the user's cache
// directory, so that only the first call takes long (a quarter of an hour on
// two cores); a call that is interrupted leaves nothing half built. It must be
// called inside this module and says on progress what it builds.
func Build(ctx context.Context, progress io.Writer) (Binaries, error) {
	return buildAll(ctx, progress, tools())
}

func buildAll(ctx context.Context, progress io.Writer, tools []tool) (Binaries, error) {
	b, err := newBuilder(ctx, progress)
	if err != nil {
		return Binaries{}, err
	}
	built := Binaries{dirs: make(map[string]string)}
	for _, t := range tools {
		if built.dirs[t.name], err = b.build(ctx, t); err != nil {
			return Binaries{}, fmt.Errorf("build %s: %w", t.name, err)
		}
	}
	return built, nil
}

func newBuilder(ctx context.Context, progress io.Writer) (builder, error) {
	root, goVersion, err := goEnv(ctx)
	if err != nil {
		return builder{}, err
	}
	cache, err := cacheDir()
	return builder{tools: filepath.Join(root, "e2e", "stack", "tools"), cache: cache, goVersion: goVersion, progress: progress}, err
}

// cacheDir is where built programs are kept, and locks between test runs.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache of built programs: %w", err)
	}
	dir := filepath.Join(cache, "trefoil-e2e")
	return dir, os.MkdirAll(dir, 0o755)
}

// goEnv returns the root of the module that this runs in and Go's version.
func goEnv(ctx context.Context) (root, version string, err error) {
	out, err := goCommand(ctx, ".", "env", "GOMOD", "GOVERSION")
	if err != nil {
		return "", "", err
	}
	mod, version, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if filepath.Base(mod) != "go.mod" {
		return "", "", errors.New("not inside the module: run from a folder of the repository")
	}
	return filepath.Dir(mod), version, nil
}

type builder struct {
	tools     string // the folder of the tool modules
	cache     string
	goVersion string
	progress  io.Writer
}

// build makes the tool's folder in the cache unless it is there.
func (b builder) build(ctx context.Context, t tool) (string, error) {
	key, err := b.key(t)
	if err != nil {
		return "", err
	}
	return b.cached(ctx, t.name, key, func(dir string) error { return b.fill(ctx, t, dir) })
}

// cached is the folder NAME-KEY of the cache, filled unless it is there. The
// lock keeps two test runs from filling the same; a partial folder that is
// found under it is an interrupted run's.
func (b builder) cached(ctx context.Context, name, key string, fill func(dir string) error) (string, error) {
	dir := filepath.Join(b.cache, name+"-"+key)
	unlock, err := lockTelling(ctx, filepath.Join(b.cache, name+".lock"), func() {
		fmt.Fprintf(b.progress, "stack: waiting for another build of %s …\n", name)
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	defer os.RemoveAll(partial)
	if err := os.Mkdir(partial, 0o755); err != nil {
		return "", err
	}
	if err := fill(partial); err != nil {
		return "", err
	}
	return dir, os.Rename(partial, dir)
}

// key is what the programs of a tool depend on, hashed.
func (b builder) key(t tool) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, b.goVersion, t)
	names := []string{"go.mod", "go.sum"}
	if t.missing != "" {
		names = append(names, filepath.Base(t.missing))
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(b.tools, t.folder, name))
		if err != nil {
			return "", err
		}
		hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// fill builds the tool's programs into dir and copies the module's files there.
func (b builder) fill(ctx context.Context, t tool, dir string) error {
	module := filepath.Join(b.tools, t.folder)
	options, err := b.supply(ctx, t)
	if err != nil {
		return err
	}
	for _, p := range t.programs {
		done := b.announce(p.name)
		// Without the paths of modules, what argoexec shares with workflow-controller is compiled once.
		args := append([]string{"build", "-mod=readonly", "-trimpath", "-ldflags=" + p.flags, "-o", filepath.Join(dir, p.name)}, options...)
		_, err := goCommand(ctx, module, append(args, p.path)...)
		done(err)
		if err != nil {
			return err
		}
	}
	if len(t.files) == 0 {
		return nil
	}
	source, err := goCommand(ctx, module, "list", "-mod=readonly", "-m", "-f={{.Dir}}", t.module)
	if err != nil {
		return err
	}
	for _, pattern := range t.files {
		if err := copyFiles(filepath.Join(strings.TrimSpace(source), pattern), dir); err != nil {
			return err
		}
	}
	return nil
}

// announce writes that something is being built, and that it still is every half
// minute, until the function that it returns is called.
func (b builder) announce(name string) (done func(error)) {
	const every = 30 * time.Second
	begin := time.Now()
	seconds := func() int { return int(time.Since(begin).Seconds()) }
	fmt.Fprintf(b.progress, "stack: building %s …\n", name)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(b.progress, "stack: building %s … %d s\n", name, seconds())
			case <-end:
				return
			}
		}
	}()
	return func(err error) {
		close(end)
		<-ended
		if err == nil {
			fmt.Fprintf(b.progress, "stack: built %s in %d s\n", name, seconds())
		}
	}
}
