package gitrepo

import (
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/config"
)

// errBare refuses what has no files that are checked out.
var errBare = errors.New("a bare repository, or git's own folder of one: " +
	"give a folder with files that are checked out (`git clone` makes one)")

// errHashes refuses the hashes of a repository that are not sha1.
func errHashes(format string) error {
	return fmt.Errorf("the repository's hashes are %s, and only sha1 is read: make one with `git init --object-format=sha1`", format)
}

// checkFormat refuses repositories whose hashes or branches would not be understood.
func checkFormat(settings *config.Config) error {
	extensions := settings.Raw.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && format != "sha1" {
		return errHashes(format)
	}
	if format := extensions.Option("refstorage"); format != "" && format != "files" {
		return fmt.Errorf("the repository keeps its branches as %s, and only files are read: `git refs migrate --ref-format=files`", format)
	}
	return nil
}

// partial tells whether a clone leaves out what its remote would give it later.
func partial(settings *config.Config) bool {
	for _, remote := range settings.Raw.Section("remote").Subsections {
		if remote.Option("promisor") == "true" {
			return true
		}
	}
	return settings.Raw.Section("extensions").Option("partialclone") != ""
}
