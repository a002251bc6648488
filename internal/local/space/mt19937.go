package space

import (
	"math"
	"math/bits"
)

const (
	words  = 624 // of the state of MT19937
	middle = 397
)

// randomState draws what numpy's RandomState of the same seed draws: MT19937, and numpy's ways before 1.17 to make numbers of it,
// which numpy has promised to keep.
type randomState struct {
	state [words]uint32
	next  int
	spare float64 // the second of a pair of normal numbers
	saved bool
}

func newRandomState(seed uint32) *randomState {
	r := &randomState{next: words}
	for i := range r.state {
		r.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return r
}

// uint32 is the next word of MT19937.
func (r *randomState) uint32() uint32 {
	if r.next == words {
		r.twist()
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (r *randomState) twist() {
	for i := range r.state {
		y := r.state[i]&0x80000000 | r.state[(i+1)%words]&0x7fffffff
		r.state[i] = r.state[(i+middle)%words] ^ y>>1 ^ y&1*0x9908b0df
	}
	r.next = 0
}

// float64 is in [0, 1), of 53 bits.
func (r *randomState) float64() float64 {
	high, low := uint64(r.uint32()>>5), uint64(r.uint32()>>6)
	return float64(high<<26|low) / (1 << 53)
}

// below is in [0, n), for n from 1 to 2^31: words under a mask until one fits, none for n = 1.
func (r *randomState) below(n int) int {
	last := uint32(n - 1)
	mask := uint32(1)<<bits.Len32(last) - 1
	for last > 0 {
		if word := r.uint32() & mask; word <= last {
			return int(word)
		}
	}
	return 0
}

// normal has mean 0 and deviation 1, by the polar method; it comes in pairs.
func (r *randomState) normal() float64 {
	if r.saved {
		r.saved = false
		return r.spare
	}
	for {
		x, y := 2*r.float64()-1, 2*r.float64()-1
		square := float64(x*x) + float64(y*y)
		if square < 1 && square != 0 {
			f := math.Sqrt(-2 * log(square) / square)
			r.spare, r.saved = f*x, true
			return f * y
		}
	}
}

// outcome is an index into shares, which are probabilities. It is numpy's multinomial of one trial: a binomial draw for each share
// but the last.
func (r *randomState) outcome(shares []float64) int {
	rest := 1.0
	for i, share := range shares[:len(shares)-1] {
		if r.happens(share / rest) {
			return i
		}
		rest -= share
	}
	return len(shares) - 1
}

// happens is numpy's binomial of one trial, by inversion of the less likely outcome.
func (r *randomState) happens(p float64) bool {
	switch {
	case p == 0:
		return false
	case p <= 0.5:
		return r.float64() > 1-p
	}
	return r.float64() <= 1-(1-p)
}
