// Package seldon answers for Seldon on a laptop, byte for byte as Seldon does. There, a request passes an ingress, the executor and
// the microservice that holds the model; here, Front is the first two for all deployments, and each model is a Python process that runs
// Server. Clients of a cluster work unchanged, and what a model answers here it answers there. testdata/protocol has what the real ones
// (seldon-core 1.17.1) answered, testdata/*.jsonl what the microservice says to much else.
package seldon

import _ "embed" // for Server

// Server is a Python program (3.8 or newer, nothing to install) that serves one model on loopback: `python server.py MnistModel` in the
// folder of MnistModel.py. It writes the line {"port": N} to stdout once requests are answered and nothing else there; it ends on SIGTERM
// and when its stdin ends, so give it a pipe that stays open. Its own first lines say the rest. Not to be written to.
//
//go:embed server.py
var Server []byte
