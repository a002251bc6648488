package gitrepo

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// Head is the commit that is checked out in a work tree; empty where dir is in no git repository, or nothing was committed yet.
func Head(dir string) plan.Revision {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	top, err := findTop(dir)
	if err != nil || top == "" {
		return ""
	}
	head, _, err := headOf(top)
	if err != nil {
		return ""
	}
	return plan.Revision(head.String())
}

// Prefix is the path of a folder in its work tree, slash-separated: empty for the root of that, and where the folder is in none.
func Prefix(dir string) string {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return ""
	}
	top, err := findTop(dir)
	if err != nil || top == "" {
		return ""
	}
	below, err := filepath.Rel(top, dir)
	if err != nil || below == "." {
		return ""
	}
	return filepath.ToSlash(below)
}

// headOf returns the commit that is checked out in a folder that holds .git, and where its objects are.
func headOf(top string) (plumbing.Hash, *objects, error) {
	found, err := objectsOf(top, false)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	head, err := storer.ResolveReference(found.store, plumbing.HEAD)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	return head.Hash(), found, nil
}

// objectsOf are those of the repository of a folder that holds .git. Its packs stay open where who asks will ask for much and then end.
func objectsOf(top string, open bool) (*objects, error) {
	own, common, err := gitFolders(filepath.Join(top, ".git"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(common, "objects")); err != nil {
		return nil, fmt.Errorf("the repository of this work tree: %w", err)
	}
	files := dotgit.NewRepositoryFilesystem(osfs.New(own), osfs.New(common))
	store := filesystem.NewStorageWithOptions(files, cache.NewObjectLRUDefault(), filesystem.Options{
		AlternatesFS:    osfs.New(string(filepath.Separator)), // objects of a clone may be in another one
		KeepDescriptors: open,
	})
	return newObjects(store, filepath.Join(common, "objects")), nil
}
