package main

import (
	"slices"

	"github.com/trefoil-gitops/trefoil/internal/cache"
	"github.com/trefoil-gitops/trefoil/schema"
)

// kept has what trees say from one command to the next, by their state. The zero value keeps nothing.
type kept struct{ store *cache.Dir }

const catalogs = "catalogs" // what they are called in the store

// state tells what a tree holds from all else that it could hold; "" is of one that can't tell without being read, and of all where
// nothing is kept.
func (k kept) state(tree schema.Tree) string {
	t, ok := tree.(interface{ Key() (string, error) })
	if !ok || k.store == nil {
		return ""
	}
	key, err := t.Key()
	if err != nil {
		return ""
	}
	return key
}

func (k kept) get(state string) (c schema.Catalog, ok bool) {
	if state == "" {
		return schema.Catalog{}, false
	}
	data, ok := k.store.Get(catalogs, state)
	return c, ok && c.UnmarshalBinary(data) == nil
}

func (k kept) put(state string, c schema.Catalog) {
	if data, err := c.MarshalBinary(); err == nil {
		k.store.Put(catalogs, state, data)
	}
}

// sound reports whether a catalog can be kept: an error may be one of this machine, such as too little time.
func sound(c schema.Catalog) bool {
	return !c.Again && !slices.ContainsFunc(c.Findings, func(f schema.Finding) bool { return f.Severity == schema.Error })
}
