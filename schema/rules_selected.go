package schema

import "fmt"

// lost finds numbers that speak of releases which are not there. Without a word such a model would train again. That some
// releases were taken out is no finding: people may do that.
func lost(selected map[string]Selected, at places) []Finding {
	var found []Finding
	for _, name := range sortedKeys(selected) {
		s := selected[name]
		report := func(field, hint, format string, args ...any) {
			found = append(found, Finding{Code: codeLost, Severity: Error, Scope: Scope{Model: name}, Pos: at.at("selected", name, field),
				Message: fmt.Sprintf(format, args...), Hint: hint})
		}
		restore := fmt.Sprintf("restore the file: `git log -p %s/%s.cue` shows what it said", selectedFolder, name)
		highest := 0
		for _, r := range s.Releases {
			highest = max(highest, r.Number)
		}
		_, there := s.Release(s.Latest)
		switch {
		case highest == 0 && s.Last > 0:
			report("last", restore, "numbers up to %d were given, but no release is there", s.Last)
		case s.Last < highest:
			report("last", fmt.Sprintf("write last: %d", highest), "last is %d, but there is release %d", s.Last, highest)
		case s.Latest > 0 && !there:
			report("latest", restore, "latest is release %d, which is not there", s.Latest)
		}
	}
	return found
}
