package gitrepo

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// ignoreRule is one line of a .gitignore. go-git's own matcher takes a pattern that matches a folder for one that matches all
// that is below it, which differs from git where a later line takes some of that back.
type ignoreRule struct {
	dir        string // the folder of the .gitignore, "" for the root: the rule says nothing about what is not below it
	pattern    *regexp.Regexp
	takesBack  bool // the line began with "!"
	foldersNot bool // the line did not end with "/": it is about files too
}

// ignores are the rules that hold in a folder, the strongest last.
type ignores []ignoreRule

// match tells whether git would leave an untracked entry out. Its folder must not be left out itself.
func (rules ignores) match(name string, isDir bool) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		if rules[i].matches(name, isDir) {
			return !rules[i].takesBack
		}
	}
	return false
}

func (r ignoreRule) matches(name string, isDir bool) bool {
	if r.dir != "" {
		below, ok := strings.CutPrefix(name, r.dir+"/")
		if !ok {
			return false
		}
		name = below
	}
	return (isDir || r.foldersNot) && r.pattern.MatchString(name)
}

// read adds the rules of a file to those that hold already; a file that does not exist has none.
func (rules ignores) read(file, dir string) (ignores, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return rules, nil
	}
	if err != nil {
		return nil, err
	}
	added := rules[:len(rules):len(rules)] // folders beside each other share the rules of their parents
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if rule, ok := parseIgnore(strings.TrimRight(line, "\r\n"), dir); ok {
			added = append(added, rule)
		}
	}
	return added, nil
}

// parseIgnore reads one line. Comments, empty lines and patterns that can match nothing are no rules.
func parseIgnore(line, dir string) (ignoreRule, bool) {
	if strings.HasPrefix(line, "#") {
		return ignoreRule{}, false
	}
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	line, takesBack := strings.CutPrefix(line, "!")
	line, foldersOnly := strings.CutSuffix(line, "/")
	if line == "" {
		return ignoreRule{}, false
	}
	if !strings.Contains(line, "/") {
		line = "**/" + line // a name matches at any depth, a path from the .gitignore on
	}
	pattern, err := regexp.Compile(globRegexp(strings.TrimPrefix(line, "/")))
	return ignoreRule{dir: dir, pattern: pattern, takesBack: takesBack, foldersNot: !foldersOnly}, err == nil
}

// globRegexp translates git's glob of a path: * and ? stop at a slash, ** as a whole part stands for any number of parts.
func globRegexp(glob string) string {
	var out strings.Builder
	out.WriteString(`^`)
	for rest := glob; rest != ""; {
		atStart := len(rest) == len(glob) || glob[len(glob)-len(rest)-1] == '/'
		switch {
		case atStart && strings.HasPrefix(rest, "**/"):
			out.WriteString(`(?:.*/)?`)
			rest = rest[3:]
		case atStart && rest == "**":
			out.WriteString(`.*`)
			rest = ""
		case rest[0] == '*':
			out.WriteString(`[^/]*`)
			rest = strings.TrimLeft(rest, "*")
		default:
			var one string
			one, rest = globOne(rest)
			out.WriteString(one)
		}
	}
	return "(?s)" + out.String() + `$`
}

// globOne translates what stands for one character: itself, an escape, ? or a bracket expression.
func globOne(glob string) (pattern, rest string) {
	switch glob[0] {
	case '?':
		return `[^/]`, glob[1:]
	case '\\':
		if len(glob) > 1 {
			return regexp.QuoteMeta(glob[1:2]), glob[2:]
		}
		return `[^\s\S]`, "" // a lone backslash at the end matches nothing
	case '[':
		if end := classEnd(glob); end > 0 {
			class := glob[1:end]
			if class[0] == '!' || class[0] == '^' {
				class = "^/" + class[1:]
			}
			return "[" + class + "]", glob[end+1:]
		}
		return `[^\s\S]`, "" // without its end, neither does a bracket
	}
	return regexp.QuoteMeta(glob[:1]), glob[1:]
}

// classEnd returns where the bracket expression at the start of glob ends, 0 where it does not.
func classEnd(glob string) int {
	i := 1
	if i < len(glob) && (glob[i] == '!' || glob[i] == '^') {
		i++
	}
	for first := true; i < len(glob); i, first = i+1, false {
		switch {
		case glob[i] == '\\':
			i++
		case strings.HasPrefix(glob[i:], "[:") && strings.Contains(glob[i:], ":]"):
			i += strings.Index(glob[i:], ":]") + 1
		case glob[i] == ']' && !first:
			return i
		}
	}
	return 0
}
