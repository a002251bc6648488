package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// code is what the experiments of a search run: a copy of a source folder at a commit, of which each experiment gets its own.
type code struct {
	dir    string // of the copy; empty where the operation has no source
	below  string // where in the working folder of an experiment it goes, and where that begins
	python string // the folder with the interpreter; empty where none is needed
}

// prepare makes the copy and the interpreter's environment for a search.
func (e *Engine) prepare(ctx context.Context, r record, o operation) (code, error) {
	c := code{dir: filepath.Join(e.options.Dir, "code", r.UID)}
	err := os.RemoveAll(c.dir)
	if err == nil {
		err = os.MkdirAll(c.dir, 0o700)
	}
	if err == nil {
		err = e.fill(ctx, &c, o)
	}
	if err == nil && needsPython(c.dir, o.argv()) {
		c.python, err = e.python(ctx, c.dir, func(line string) { e.say(r, line) })
	}
	if err != nil {
		c.remove()
	}
	e.say(r, "")
	return c, err
}

// fill puts the source into the copy.
func (e *Engine) fill(ctx context.Context, c *code, o operation) error {
	run := o.Component.Run
	below, err := filled(run.Container.WorkingDir, map[string]any{"globals.artifacts_path": ""})
	if err != nil {
		return fmt.Errorf("working folder: %w", err)
	}
	c.below = filepath.FromSlash(strings.TrimPrefix(path.Clean("/"+below), "/"))
	for _, init := range run.Init {
		if init.Git.URL == "" {
			continue
		}
		_, folder, _ := strings.Cut(filepath.ToSlash(c.below), "/") // the first element is the repository's
		return e.checkout(ctx, init.Git.URL, init.Git.Revision, folder, c.dir)
	}
	return nil
}

// checkout puts a folder of a repository at a commit into a folder that is there and empty. Repositories other than that of the specs
// are fetched by git with whatever rights the person has.
func (e *Engine) checkout(ctx context.Context, url, commit, folder, to string) error {
	if url == e.options.Repository {
		tree, err := e.options.Source(ctx, commit)
		if err == nil && folder != "" {
			tree, err = fs.Sub(tree, folder)
		}
		if err == nil {
			err = withoutLinks(tree)
		}
		if err == nil {
			err = os.CopyFS(to, tree)
		}
		if err != nil {
			return fmt.Errorf("the source %s at %.8s: %w", folder, commit, err)
		}
		return nil
	}
	if err := fetch(ctx, url, commit, to); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	return os.RemoveAll(filepath.Join(to, ".git"))
}

// withoutLinks refuses symbolic links: what they lead to is not what the source's hash says.
func withoutLinks(tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type()&fs.ModeSymlink != 0 {
			err = fmt.Errorf("%s is a symbolic link, which is not taken: put the file there", name)
		}
		return err
	})
}

// fetch checks a commit of another repository out.
func fetch(ctx context.Context, url, commit, to string) error {
	for _, words := range [][]string{
		{"init", "--quiet"}, {"config", "core.symlinks", "false"}, {"fetch", "--quiet", "--depth=1", "--", url, commit}, {"checkout", "--quiet", "--detach", "FETCH_HEAD"},
	} {
		cmd := exec.CommandContext(ctx, "git", words...)
		cmd.Dir, cmd.WaitDelay = to, lingering
		cmd.Env = append(environment(""), "GIT_TERMINAL_PROMPT=0", "SSH_AUTH_SOCK="+os.Getenv("SSH_AUTH_SOCK"))
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s %s: %w: %s", words[0], commit, err, lastLines(out))
		}
	}
	return nil
}

// copyTo makes a copy for one experiment.
func (c code) copyTo(work string) error {
	to := c.within(work)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(c.dir))
}

// within is where the experiment begins, in its working folder.
func (c code) within(work string) string { return filepath.Join(work, c.below) }

func (c code) remove() { _ = os.RemoveAll(c.dir) } // else it is done when the search runs again

// needsPython reports whether a command asks for an interpreter, or its source for packages.
func needsPython(source string, argv []string) bool {
	if len(argv) > 0 && strings.HasPrefix(filepath.Base(argv[0]), "python") {
		return true
	}
	_, err := os.Stat(filepath.Join(source, "requirements.txt"))
	return !errors.Is(err, fs.ErrNotExist)
}

// passed are the variables of ours that what runs here gets too. Others stay with us: they may hold secrets.
func passed() []string {
	return []string{
		"HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH",
	}
}

// environment is that of what runs here, with a folder of programs that goes before all others, if there is one.
func environment(programs string) []string {
	search := os.Getenv("PATH")
	if programs != "" {
		search = programs + string(filepath.ListSeparator) + search
	}
	env := []string{"PATH=" + search, "PYTHONUNBUFFERED=1"}
	for _, name := range passed() {
		if value, found := os.LookupEnv(name); found {
			env = append(env, name+"="+value)
		}
	}
	return env
}
