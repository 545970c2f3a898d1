package cache

import "sync"

// maxIdle bounds how many goroutines of a crew wait for work.
const maxIdle = 64

// crew runs jobs side by side, on goroutines that have run others before where there are such: the stack of a new one would have to
// grow all over again.
type crew struct {
	jobs chan func()
	idle chan struct{}   // one for each that waits
	over <-chan struct{} // closed when no more jobs come
	wg   sync.WaitGroup
}

func newCrew(over <-chan struct{}) *crew {
	return &crew{jobs: make(chan func()), idle: make(chan struct{}, maxIdle), over: over}
}

// do has a job run, and does not wait for it.
func (c *crew) do(job func()) {
	select {
	case c.jobs <- job:
	default:
		c.wg.Go(func() {
			for job != nil {
				job()
				job = c.next()
			}
		})
	}
}

// next waits for a job; nil where enough wait already, or no more come.
func (c *crew) next() func() {
	select {
	case c.idle <- struct{}{}:
		defer func() { <-c.idle }()
	default:
		return nil
	}
	select {
	case job := <-c.jobs:
		return job
	case <-c.over:
		return nil
	}
}
