// Package signature signs commits as git does, and says whether a commit was signed by somebody on a list: with SSH keys, as
// `gpg.format=ssh` has it, and with OpenPGP keys. It needs neither ssh-keygen nor gpg, and knows nothing of repositories: a commit is the
// bytes of its object.
//
// # What signing promises
//
// The same commit and the same key make the same bytes, because who pushes a commit again has to make the same one. So nothing random may
// be in a signature: keys whose signatures need randomness (ECDSA, DSA, version 6 of OpenPGP) are refused, and the time in an OpenPGP
// signature is the commit's.
//
// # What verifying promises
//
// [Trusted.Verify] decides as `git verify-commit` does with the same list: an SSH key counts where a line of the list has it, whoever the
// committer says to be, and in the time that the line gives it, by the commit's date; an OpenPGP key that is expired or revoked by now
// doesn't count. It is stricter where git leaves things to a person: a list with a line that can't be read is refused as a whole, so is a
// weak key in it, a second signature and SHA-1.
package signature
