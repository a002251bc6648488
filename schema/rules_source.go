package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
)

// folders are what is asked of the tree, by one at a time, for as long as one load takes: a thousand models may name the same folder,
// and a work tree reads all of it for its hash.
type folders struct {
	mu     sync.Mutex
	tree   Tree
	hashes map[string]hashed
}

type hashed struct {
	hash string
	err  error
}

func (f *folders) hash(folder string) (string, error) {
	known, ok := f.hashes[folder]
	if !ok {
		known.hash, known.err = f.tree.Hash(folder)
		f.hashes[folder] = known
	}
	return known.hash, known.err
}

// source looks a folder up in the tree. What can't be read, such as a symbolic link, is a finding of this model, so that no
// other one waits for it.
func (l *loader) source(r rawSource, at ...string) Source {
	s := Source{Path: r.Path, Git: r.Git}
	if s.Git != nil && !plainURL(s.Git.URL) {
		l.report(codeSourceURL, rewritten(s.Git.URL), append(at, "git", "url"),
			"the URL of the source is not a plain one that pods can fetch")
	}
	if s.Path == "" {
		return s
	}
	at = append(at, "path")
	l.folders.mu.Lock()
	defer l.folders.mu.Unlock()
	if s.Path != "." && !cleanRelative(s.Path) {
		l.report(codePath, l.folder(s.Path), at,
			"source %q is not a relative, clean path", s.Path)
		return s
	}
	if spec := specBelow(l.folders.tree, s.Path); spec != "" {
		l.report(codeSpecIn, "every commit of the daemon would change it: move the code into a folder of its own", at,
			"source %q holds the spec file %s", s.Path, spec)
		return s
	}
	hash, err := l.folders.hash(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.report(codeFolder, l.folder(s.Path), at,
			"there is no folder %q", s.Path)
	case err != nil:
		l.report(codeFolder, "", at, "source %q can't be read: %v", s.Path, err)
	}
	s.Tree = hash
	return s
}

// folder is the hint for a path that is none of a folder: one that is there, and is written a little differently.
func (l *loader) folder(name string) string {
	clean := strings.Trim(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/")
	clean = strings.TrimLeft(clean, "./")
	if info, err := fs.Stat(l.folders.tree, clean); err == nil && fs.ValidPath(clean) {
		if !info.IsDir() {
			return fmt.Sprintf("it is a file: write its folder, %q", path.Dir(clean))
		}
		return fmt.Sprintf("write %q", clean)
	}
	var folders []string
	entries, _ := fs.ReadDir(l.folders.tree, ".")
	for _, e := range entries {
		if e.IsDir() && e.Name() != selectedFolder && !strings.HasPrefix(e.Name(), ".") {
			folders = append(folders, e.Name())
		}
	}
	first, rest, deep := strings.Cut(clean, "/")
	if near, ok := Nearest(first, folders); ok && near != first {
		if deep {
			near += "/" + rest
		}
		return fmt.Sprintf("did you mean %q?", near)
	}
	return `folders are relative to the root of the repository, such as "train", and empty ones don't exist for git`
}

// plainURL reports whether a URL can be fetched by git in a pod, holds no password, and nothing that an engine would fill in.
func plainURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Contains(text, "{{") {
		return false
	}
	_, password := u.User.Password()
	return !password && ((u.Scheme == "https" || u.Scheme == "http") && u.User == nil || u.Scheme == "ssh")
}

// rewritten is the hint for a URL that can't be fetched. It repeats none that may hold a password.
func rewritten(text string) string {
	if scp := regexp.MustCompile(`^([\w.-]+@[\w.-]+):/?([\w./~-]+)$`).FindStringSubmatch(text); scp != nil {
		return fmt.Sprintf("write ssh://%s/%s", scp[1], scp[2])
	}
	if regexp.MustCompile(`^[\w-]+(\.[\w-]+)+/[\w./~-]+$`).MatchString(text) {
		return "write https://" + text
	}
	return "write https://HOST/PATH or ssh://git@HOST/PATH; credentials are the pods' business"
}

// specBelow returns a spec file in a folder: those of the root and of selected/, where there will be one.
func specBelow(tree fs.FS, folder string) string {
	for _, place := range []string{".", selectedFolder} {
		if folder != "." && folder != place {
			continue
		}
		if names, err := specNames(tree, place); err == nil && len(names) > 0 {
			return names[0]
		}
	}
	if folder == selectedFolder {
		return path.Join(selectedFolder, "*.cue")
	}
	return ""
}
