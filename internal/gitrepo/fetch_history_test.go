package gitrepo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever people and this daemon push, the content that is read is what git says it is.
func TestFetchHistories(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := serve(t, specs())
			p := &pusher{T: t, server: s, work: s.clone(t), dice: rand.New(rand.NewPCG(seed, 7))}
			urls := []string{s.url, "file://" + s.dir}
			repo := steady(t, options(urls[seed%2]))
			for range 12 {
				did := p.push(repo)
				if p.dice.IntN(3) == 0 {
					continue // fetches that skip commits
				}
				tree := latest(t, repo)
				asGit(t, s, tree)
				if got, want := stored(repo), reachable(t, s); got != want {
					t.Errorf("%s: %d objects are kept; want %d", did, got, want)
				}
				if t.Failed() {
					t.Fatalf("after %s", did)
				}
			}
		})
	}
}

// pusher does what people do, at random.
type pusher struct {
	*testing.T
	server *server
	work   string
	dice   *rand.Rand
	edits  int
}

// push moves the branch and says how.
func (p *pusher) push(repo *Repo) string {
	ways := []string{"edit", "edit", "edit", "delete", "rename", "amend", "back", "orphan", "merge", "again", "tidy", "own"}
	way := ways[p.dice.IntN(len(ways))]
	switch way {
	case "delete", "rename":
		p.moveFile(way)
	case "amend":
		p.commit("--amend")
	case "back":
		if p.git("rev-list", "--count", "HEAD") != "1" {
			p.git("reset", "-q", "--hard", "HEAD~1")
		}
	case "orphan":
		p.git("checkout", "-q", "--orphan", "other")
		p.commit()
		p.git("branch", "-q", "-M", "main")
	case "merge":
		p.git("checkout", "-q", "-b", "side")
		p.commit()
		p.git("checkout", "-q", "main")
		p.commit()
		p.git("merge", "-q", "-s", "ours", "-m", "merge", "side")
		p.git("branch", "-q", "-D", "side")
	case "again":
		runGit(p, p.server.dir, "update-ref", "-d", "refs/heads/main")
		p.commit()
	case "tidy":
		p.commit()
		runGit(p, p.server.dir, "reflog", "expire", "--expire=now", "--all")
		runGit(p, p.server.dir, "gc", "-q", "--prune=now")
	case "own":
		p.edits++
		if _, err := repo.Commit(aMinute(p), p.server.tip(p), selection("fraud", fmt.Sprint(p.edits))); err != nil {
			p.Fatal(err)
		}
		p.git("fetch", "-q", "origin", "main")
		p.git("reset", "-q", "--hard", "FETCH_HEAD")
	default:
		p.commit()
	}
	p.git("push", "-q", "-f", "origin", "HEAD:refs/heads/main")
	return way
}

func (p *pusher) git(args ...string) string { return runGit(p.T, p.work, args...) }

// commit edits a file of a few, some of them in folders.
func (p *pusher) commit(args ...string) {
	p.edits++
	name := fmt.Sprintf("%sf%d.cue", []string{"", "a/", "a/b/", "train/"}[p.dice.IntN(4)], p.dice.IntN(5))
	write(p, p.work, map[string]string{name: fmt.Sprintf("// %d\n", p.edits) + strings.Repeat("// the same\n", p.dice.IntN(50))})
	p.git("add", "-A")
	p.git(append([]string{"commit", "-q", "-m", fmt.Sprint(p.edits)}, args...)...)
}

// moveFile takes away or renames a file, and edits one, so that some file is left.
func (p *pusher) moveFile(way string) {
	p.commit()
	names := strings.Split(p.git("ls-files"), "\n")
	name := names[p.dice.IntN(len(names))]
	if way == "delete" && len(names) > 1 {
		p.git("rm", "-q", name)
	} else {
		write(p, p.work, map[string]string{"moved/x": "x"})
		p.git("mv", name, fmt.Sprintf("moved/%d", p.edits))
	}
	p.git("add", "-A")
	p.git("commit", "-q", "-m", way)
}
