package gitrepo

import (
	"github.com/go-git/go-git/v5"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// Head is the commit that is checked out in a work tree; empty where dir is in no git repository, or nothing was committed yet.
func Head(dir string) plan.Revision {
	repository, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true})
	if err != nil {
		return ""
	}
	head, err := repository.Head()
	if err != nil {
		return ""
	}
	return plan.Revision(head.Hash().String())
}
