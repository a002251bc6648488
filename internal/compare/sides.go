package compare

import "strconv"

// Sides cut the live object and what would become of it down to what people want to see: what git asks for, and whatever else would
// change. What means the same is written the same, so that a comparison of the texts shows the differences alone.
func Sides(live, after, git map[string]any) (before, now map[string]any) {
	l, a := sides(nil, live, after, git)
	before, _ = l.(map[string]any)
	now, _ = a.(map[string]any)
	return before, now
}

func sides(p Path, live, after, git any) (before, now any) {
	switch l := live.(type) {
	case map[string]any:
		a, ok1 := after.(map[string]any)
		g, ok2 := git.(map[string]any)
		if ok1 && ok2 {
			return structSides(p, l, a, g)
		}
	case []any:
		a, ok1 := after.([]any)
		g, ok2 := git.([]any)
		if ok1 && ok2 {
			return listSides(p, l, a, g)
		}
	}
	return oneSides(p, live, after)
}

func structSides(p Path, live, after, git map[string]any) (before, now any) {
	l, a := map[string]any{}, map[string]any{}
	for _, name := range keys(live, after) {
		at := p.field(name)
		asked, ours := git[name]
		if !ours && len(values(at, live[name], after[name])) == 0 {
			continue
		}
		x, y := sides(at, live[name], after[name], asked)
		put(l, name, x)
		put(a, name, y)
	}
	return l, a
}

func put(m map[string]any, name string, value any) {
	if value != nil {
		m[name] = value
	}
}

// listSides go by the names of elements, which keep the order that each side has, else by their places where there are as many on all
// sides. Other lists are one value.
func listSides(p Path, live, after, git []any) (any, any) {
	l, a, g := byName(live), byName(after), byName(git)
	name := func(_ int, elt any) string { return nameOf(elt) }
	if l == nil || a == nil || g == nil {
		l, a, g = byPlace(live), byPlace(after), byPlace(git)
		name = func(i int, _ any) string { return strconv.Itoa(i) }
		if len(l) != len(a) || len(l) != len(g) || !structured(live) || !structured(after) || !structured(git) {
			return oneSides(p, live, after)
		}
	}
	before, now := make([]any, len(live)), make([]any, len(after))
	pairs := map[string][2]any{}
	for n := range l {
		x, y := sides(p.element(n), l[n], a[n], g[n])
		pairs[n] = [2]any{x, y}
	}
	for i, elt := range live {
		before[i] = pairs[name(i, elt)][0]
	}
	for i, elt := range after {
		pair, found := pairs[name(i, elt)]
		if !found {
			pair[1] = elt
		}
		now[i] = pair[1]
	}
	return before, now
}

// oneSides are those of what is one value.
func oneSides(p Path, live, after any) (before, now any) {
	if len(values(p, live, after)) == 0 {
		return after, after
	}
	return live, after
}

func byPlace(list []any) map[string]any {
	all := make(map[string]any, len(list))
	for i, elt := range list {
		all[strconv.Itoa(i)] = elt
	}
	return all
}
