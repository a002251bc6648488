package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
)

// blocked is the error that names what is in the way; nil where nothing is.
func blocked(name string, report []placed) error {
	wrong := in(report, inTheWay)
	if len(wrong) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "nothing was written to %s, for what is there already:\n", name)
	repository, last := false, ""
	for _, p := range wrong {
		if p.Why != last { // a folder that is a link is in the way of all files in it
			fmt.Fprintf(&text, "  %s\n", p.Why)
		}
		last = p.Why
		repository = repository || p.Path == definitionsFile || p.Path == "models.cue"
	}
	text.WriteString("move it away, or name another folder")
	if repository {
		fmt.Fprintf(&text, "; to renew %s alone, add --upgrade", definitionsFile)
	}
	return errors.New(text.String())
}

func (a *app) jsonFiles(report []placed) (bool, error) {
	return a.json(map[string]any{"format_version": formatVersion, "files": report})
}

func (a *app) printFiles(name string, report []placed) {
	fresh := in(report, written)
	if len(fresh) == 0 {
		fmt.Fprintf(a.out, "all is there already: %s in %s\n", count(len(report), "file"), name)
	} else {
		fmt.Fprintf(a.out, "%s in %s:\n", count(len(fresh), "new file"), name)
	}
	for _, p := range fresh {
		fmt.Fprintf(a.out, "  %s\n", p.Path)
	}
	fmt.Fprintln(a.out, "\nWhat to do next:")
	for _, line := range next(name, len(fresh) > 0) {
		fmt.Fprintf(a.out, "  %s\n", line)
	}
}

// next are the lines to type after a repository was begun.
func next(name string, changed bool) []string {
	var lines []string
	if filepath.Clean(name) != "." {
		lines = append(lines, "cd "+quoted(name))
	}
	lines = append(lines, "trefoil validate")
	if !inGit(name) {
		lines = append(lines, "git init --initial-branch=main")
	}
	if changed || gitrepo.Head(name) == "" {
		lines = append(lines, "git add .", `git commit -m "models: the first ones"`)
	}
	return append(lines, "trefoil run --local")
}

// inGit reports whether a folder is in a work tree of git.
func inGit(name string) bool {
	at, err := filepath.Abs(name)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return true
		}
		if filepath.Dir(at) == at {
			return false
		}
		at = filepath.Dir(at)
	}
	return false
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./+-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
