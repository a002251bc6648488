// Package gitrepo is a spec repository, as a [reconcile.Source]: a [Repo] is a branch behind a git server, a [Checkout] the branch that
// is checked out in a person's work tree. A work tree is also a [schema.Tree], with what is not committed.
// A [Clone] compares the revisions that a repository on this machine has, without asking its remote and without git.
//
// Of a Repo nothing is ever checked out. Reading takes one commit at depth 1 into memory, of later ones only what the last one
// has not, and answers from its tree; writing builds blobs, trees and a commit over that tree and pushes them by
// compare-and-swap: the server moves the branch only if it still is where the commit was built, and the commit's only parent is that place,
// so a push is always a fast-forward of the planned revision.
//
// # Why not go-git's Remote
//
// go-git's Remote picks its transport from a map that the whole process shares, so that a repository cannot have its own limits,
// its own certificate bundle or its own rule for redirects. It also guesses which objects the server lacks by walking history,
// and its ssh transport waits for a handshake without a deadline. This package therefore speaks to go-git's protocol layer
// (plumbing/transport, packp, packfile) itself: one session lists, fetches or pushes, and what a push sends is known exactly,
// because this package made it.
//
// # The work tree of a person
//
// A Checkout reads as a Repo does. What it changes it changes with git's own commands under git's own locks, because a person, an
// editor and other gits are at work there at the same time: a commit moves the branch, and the files and entries of the index that
// it is about. Work that is not committed is never touched; where it is in the way there is an error. A journal in git's folder
// tells the next process what a killed one has left to do or to undo.
//
// # Limits
//
// A server may send anything. The list of references, the pack, the number of its objects and what they inflate to are bounded;
// every call ends with its context, or after a default time where the context has no deadline.
package gitrepo
