package gitrepo

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// resolve finds the commit that a name stands for.
//
// It does not leave that to go-git, which cannot open clones with settings of a newer git, such as partial ones, takes the second
// parent for the third, and does not know where a shallow clone ends.
func (c *Clone) resolve(name string) (*object.Commit, error) {
	word, way := name, ""
	if i := strings.IndexAny(name, "~^"); i >= 0 {
		word, way = name[:i], name[i:]
	}
	hash, err := c.find(word)
	if err != nil {
		return nil, err
	}
	commit, err := c.commit(hash)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	if commit, err = c.follow(commit, way); err != nil {
		return nil, c.lost(name, err)
	}
	return commit, nil
}

// find returns what a name without a way behind it stands for, in the order in which git looks.
func (c *Clone) find(word string) (plumbing.Hash, error) {
	if word == "@" {
		word = plumbing.HEAD.String()
	}
	if isHash(word) {
		hash := plumbing.NewHash(word)
		if _, err := c.objects.EncodedObject(plumbing.AnyObject, hash); err != nil {
			return hash, c.unknown(word)
		}
		return hash, nil
	}
	if hash, ok := c.reference(word, plumbing.RefRevParseRules...); ok {
		return hash, nil
	}
	switch short, err := c.short(word); {
	case err != nil:
		return plumbing.ZeroHash, err
	case !short.IsZero():
		return short, nil
	}
	if hash, ok := c.reference(word, "refs/remotes/origin/%s"); ok {
		return hash, nil
	}
	return plumbing.ZeroHash, c.unknown(word)
}

// reference looks a name up by rules such as refs/heads/%s.
func (c *Clone) reference(word string, rules ...string) (plumbing.Hash, bool) {
	for _, rule := range rules {
		name := plumbing.ReferenceName(fmt.Sprintf(rule, word))
		if !isReference(name) {
			continue
		}
		if ref, err := storer.ResolveReference(c.store, name); err == nil && !ref.Hash().IsZero() {
			return ref.Hash(), true
		}
	}
	return plumbing.ZeroHash, false
}

// isReference tells references from other files in git's folder, and from paths that lead out of it.
func isReference(name plumbing.ReferenceName) bool {
	if short := name.String(); !strings.Contains(short, "/") {
		return strings.HasSuffix(short, "HEAD") && strings.Trim(short, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
	}
	return strings.HasPrefix(name.String(), "refs/") && name.Validate() == nil
}

func isHash(word string) bool {
	_, err := hex.DecodeString(word)
	return err == nil && len(word) == len(plumbing.ZeroHash)*2
}

// short finds the one commit or tag whose hash begins with these four or more digits; zero where there is none.
func (c *Clone) short(word string) (plumbing.Hash, error) {
	const least = 4
	digits := strings.ToLower(word)
	prefix, err := hex.DecodeString(digits[:len(digits)&^1])
	if err != nil || len(digits) < least || strings.Trim(digits, "0123456789abcdef") != "" {
		return plumbing.ZeroHash, nil //nolint:nilerr // it is no hash
	}
	all, err := c.store.HashesWithPrefix(prefix)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("%q: %w", word, err)
	}
	all = slices.DeleteFunc(all, func(h plumbing.Hash) bool {
		_, err := c.commit(h)
		return err != nil || !strings.HasPrefix(h.String(), digits)
	})
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	switch all = slices.Compact(all); {
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return plumbing.ZeroHash, revisionError(fmt.Sprintf("%q is the beginning of several commits, such as %s and %s", word, all[0], all[1]))
	}
	return plumbing.ZeroHash, nil
}

// commit returns the commit with that hash, or the one that a tag with that hash is of.
func (c *Clone) commit(hash plumbing.Hash) (*object.Commit, error) {
	const most = 5 // tags of tags
	for range most {
		found, err := c.objects.EncodedObject(plumbing.AnyObject, hash)
		if err != nil {
			return nil, err
		}
		switch found.Type() {
		case plumbing.CommitObject:
			return object.DecodeCommit(c.objects, found)
		case plumbing.TagObject:
			tag, err := object.DecodeTag(c.objects, found)
			if err != nil {
				return nil, err
			}
			hash = tag.Target
		default:
			return nil, revisionError("it is a " + found.Type().String() + ", not a commit")
		}
	}
	return nil, revisionError("it is a tag of a tag of a tag")
}

// follow goes the way from a commit that is written behind a name: ~N for N first parents back, ^N for the Nth parent.
func (c *Clone) follow(commit *object.Commit, way string) (*object.Commit, error) {
	way = strings.NewReplacer("^{commit}", "", "^{}", "").Replace(way) // what a tag is of is taken anyway
	for way != "" {
		sign := way[0]
		way = way[1:]
		digits := way[:len(way)-len(strings.TrimLeft(way, "0123456789"))]
		way = way[len(digits):]
		n, err := 1, error(nil)
		if digits != "" {
			n, err = strconv.Atoi(digits)
		}
		if err != nil || way != "" && !strings.ContainsAny(way[:1], "~^") {
			return nil, errSyntax
		}
		if commit, err = c.back(commit, sign, n); err != nil {
			return nil, err
		}
	}
	return commit, nil
}

func (c *Clone) back(commit *object.Commit, sign byte, n int) (*object.Commit, error) {
	if sign == '^' && n > 0 {
		return c.parent(commit, n)
	}
	var err error
	for ; sign == '~' && n > 0 && err == nil; n-- {
		commit, err = c.parent(commit, 1)
	}
	return commit, err
}
