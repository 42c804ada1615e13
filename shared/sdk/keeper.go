package sdk

import "time"

// startKeeper starts the goroutine that spools while no host listens. The
// caller holds mu.
func (r *recorder) startKeeper() {
	if r.keeper != nil || !r.begun {
		return
	}
	stop := make(chan struct{})
	r.keeper = stop
	r.keeping.Go(func() { r.keep(stop) })
}

func (r *recorder) stopKeeper() {
	if r.keeper != nil {
		close(r.keeper)
		r.keeper = nil
	}
}

func (r *recorder) keep(stop chan struct{}) {
	timer := time.NewTimer(absence)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		r.mu.Lock()
		if r.keeper == stop {
			r.seal()
			if r.spool.path != "" {
				r.toSpool(false)
			}
			r.makeRoom()
		}
		r.mu.Unlock()
		select {
		case <-stop:
			return
		case <-r.news:
		}
		timer.Reset(spoolDelay)
	}
}
