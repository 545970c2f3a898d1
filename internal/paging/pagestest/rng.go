package pagestest

import "math/rand/v2"

// rapidLike draws what happens behind the back of a request: upstream calls run side by side, and rapid's own draws must not.
type rapidLike struct{ *rand.Rand }

func newRapidLike(seed uint64) *rapidLike { return &rapidLike{rand.New(rand.NewPCG(seed, 1))} }

func (r *rapidLike) intN(n int) int { return r.IntN(n) }
