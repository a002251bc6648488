package main

import "testing"

// TestOwner: who writes the URL of a repository in another way is not another owner of its objects; an owner that has objects stays what
// it is.
func TestOwner(t *testing.T) {
	owner := func(url string) string { return config{Repository: repositoryConfig{URL: url, Branch: "main"}}.owner() }
	const known = "https://git.example.com/ml/models.git"
	if got := owner(known); got != "r-08727d2324cb15a6" {
		t.Errorf("%s has the owner %s", known, got)
	}
	for _, same := range []string{
		"https://git.example.com/ml/models", "https://git.example.com/ml/models/", "https://Git.Example.com/ml/models.git",
		"https://git.example.com:443/ml/models.git",
	} {
		if owner(same) != owner(known) {
			t.Errorf("%s has another owner", same)
		}
	}
	for _, other := range []string{
		"https://git.example.com:8443/ml/models.git", "https://git.example.com/ML/models.git", "ssh://git@git.example.com/ml/models.git",
	} {
		if owner(other) == owner(known) {
			t.Errorf("%s has the same owner", other)
		}
	}
}
