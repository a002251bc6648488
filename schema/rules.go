package schema

func (l *loader) rules(m Model, body rawBody) {}

func (l *loader) source(r rawSource, path ...string) (Source, error) {
	s := Source{Path: r.Path, Git: r.Git}
	if s.Path != "" {
		h, err := l.tree.Hash(s.Path)
		if err != nil {
			return Source{}, err
		}
		s.Tree = h
	}
	return s, nil
}

func collisions(models []Model, at places) []Finding { return nil }
func retiredInUse(j judged, c Catalog) []Finding     { return nil }
