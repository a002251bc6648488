package main

import (
	"slices"

	"github.com/trefoil-gitops/trefoil/internal/cache"
	"github.com/trefoil-gitops/trefoil/schema"
)

// kept has what trees say from one command to the next, by their state. The zero value keeps nothing.
type kept struct{ store *cache.Dir }

const catalogs = "catalogs" // what they are called in the store

// stateOf tells what a tree holds from all else that it could hold; "" is of one that can't tell without being read.
func stateOf(tree schema.Tree) string {
	t, ok := tree.(interface{ Key() (string, error) })
	if !ok {
		return ""
	}
	key, err := t.Key()
	if err != nil {
		return ""
	}
	return key
}

func (k kept) get(key string) (c schema.Catalog, ok bool) {
	if k.store == nil || key == "" {
		return schema.Catalog{}, false
	}
	data, ok := k.store.Get(catalogs, key)
	return c, ok && c.UnmarshalBinary(data) == nil
}

// put keeps what nothing is wrong with: an error may be one of this machine, such as too little time.
func (k kept) put(key string, c schema.Catalog) {
	wrong := func(f schema.Finding) bool { return f.Severity == schema.Error }
	if k.store == nil || key == "" || c.Again || slices.ContainsFunc(c.Findings, wrong) {
		return
	}
	if data, err := c.MarshalBinary(); err == nil {
		k.store.Put(catalogs, key, data)
	}
}
