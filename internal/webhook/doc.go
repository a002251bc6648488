// Package webhook hears from a git server that something was pushed, so that nobody has to wait for the next poll.
//
// A webhook only ever means "look now". Nothing of its body is used, but to leave out what is certainly about another repository or
// another branch: what is true is read from the repository, by the look that follows. So a webhook that is forged, replayed or lost
// changes nothing but when that is. What others got wrong with webhooks (reading a body before its signature, trusting its fields,
// parsers that panic) is why there is so little here.
package webhook
