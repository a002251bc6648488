package schema

import (
	"bytes"
	"reflect"
	"runtime"
	"slices"
	"sync"
)

// Memory holds the models of the revision that was loaded last, so that those which say the same in the next one are not built again.
// The zero value holds none. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	models map[string]*loader
}

// build makes models of what was judged, by as many processors as there are, and remembers them.
func (m *Memory) build(all []*loader) []*loader {
	m.mu.Lock()
	defer m.mu.Unlock()
	const some = 64 // fewer are done before others have begun
	var workers sync.WaitGroup
	for part := range slices.Chunk(all, max(some, (len(all)-1)/runtime.GOMAXPROCS(0)+1)) {
		workers.Go(func() {
			for _, l := range part {
				if !l.take(m.models[l.name]) {
					l.loaded, l.ok = l.model()
				}
			}
		})
	}
	workers.Wait()
	m.models = make(map[string]*loader, len(all))
	for _, l := range all {
		m.models[l.name] = l
	}
	return all
}

// take has the model be what it was before, where all says the same that it is made of: other lines, but the same words.
func (l *loader) take(before *loader) bool {
	if before == nil || !before.ok || l.unread != before.unread || !l.raw.same(before.raw) ||
		!reflect.DeepEqual(l.selected, before.selected) || !l.stays(before.findings, before) || !l.holds(before.loaded) {
		return false
	}
	l.loaded, l.ok, l.findings = before.loaded, true, before.findings
	l.loaded.Select.Gate, l.loaded.Places = l.raw.Gate, l.written()
	return true
}

// stays reports whether what was found would be said in the same words here. Of an error or a warning nobody knows.
func (l *loader) stays(found []Finding, before *loader) bool {
	here, there := l.written(), before.written()
	return len(found) == 0 || here.Equal(there) && here.around == there.around &&
		!slices.ContainsFunc(found, func(f Finding) bool { return f.Severity != Note })
}

// holds reports whether the folders that a model names have the same content here.
func (l *loader) holds(m Model) bool {
	asked := loader{folders: l.folders, places: l.places, name: l.name}
	same := func(s Source) bool {
		return asked.source(rawSource{Path: s.Path, Git: s.Git}) == s && len(asked.findings) == 0
	}
	return same(m.Train.Source) && (m.Package == nil || same(m.Package.Source))
}

func (m rawModel) same(other rawModel) bool {
	bound := func(a, b Bound) bool { return a.Metric == b.Metric && a.Op == b.Op && a.Value == b.Value }
	if !bytes.Equal(m.Body, other.Body) || !slices.EqualFunc(m.Gate, other.Gate, bound) || len(m.Serve) != len(other.Serve) {
		return false
	}
	for name, e := range m.Serve {
		if was, ok := other.Serve[name]; !ok || !bytes.Equal(e, was) || !slices.EqualFunc(m.Expect[name], other.Expect[name], bound) {
			return false
		}
	}
	return true
}
