package schema

import "fmt"

// lost finds models that were given numbers and have no release: without a word they would train again. That some releases were
// taken out is no finding, people may do that; nor are `latest` and `last`, which the daemon puts right.
func lost(selected map[string]Selected, at *places) []Finding {
	var found []Finding
	for _, name := range sortedKeys(selected) {
		if s := selected[name]; s.Last == 0 || len(s.Releases) > 0 {
			continue
		}
		found = append(found, Finding{Code: codeLost, Severity: Error, Scope: Scope{Model: name}, Pos: at.at("selected", name, "last"),
			Message: fmt.Sprintf("numbers up to %d were given, but no release is there", selected[name].Last),
			Hint:    fmt.Sprintf("restore the file: `git log -p %s/%s.cue` shows what it said", selectedFolder, name)})
	}
	return found
}
