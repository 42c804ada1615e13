package router

import (
	"context"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// mailman pushes one script's mail over its endpoint: oldest first, one
// message in flight, acknowledged once the script has handled it. Mail of
// topics that the script does not take is left for it to collect.
type mailman struct {
	router *Router
	name   string
	target Endpoint
	bell   chan struct{} // size 1: there may be new mail
	ctx    context.Context
	stop   context.CancelFunc
}

// mailTimeout is how long a script may work on one pushed message before the
// message is offered again.
const mailTimeout = 5 * time.Minute

func newMailman(r *Router, name string, e Endpoint) *mailman {
	m := &mailman{router: r, name: name, target: e, bell: make(chan struct{}, 1)}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.wake()
	return m
}

func (m *mailman) wake() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

func (m *mailman) run() {
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.bell:
		}
		if err := m.round(); err != nil && m.ctx.Err() == nil {
			m.router.Logger.Warn("mail is held back", "script", m.name, "error", err)
			m.retryLater()
		}
	}
}

// retryLater rings the bell again after a second.
func (m *mailman) retryLater() {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-m.ctx.Done():
	case <-timer.C:
		m.wake()
	}
}

// round delivers all mail that waits now.
func (m *mailman) round() error {
	for {
		mail, err := m.router.Mail.List(m.ctx, m.name, collectLimit)
		if err != nil {
			return err
		}
		delivered := 0
		for _, letter := range mail {
			target, _ := m.router.Registry.Brief(m.name)
			if !target.Takes(letter.Topic) {
				continue
			}
			if err := m.deliver(letter); err != nil {
				return err
			}
			delivered++
		}
		if delivered == 0 {
			return nil
		}
	}
}

// deliver hands one message over and acknowledges it. A handler that failed
// had its message: it is not offered again, and the failure is reported.
func (m *mailman) deliver(letter script.Message) error {
	ctx, cancel := context.WithTimeout(m.ctx, mailTimeout)
	defer cancel()
	start := m.router.Now()
	_, err := m.target.Deliver(ctx, letter)
	switch script.CodeOf(err) {
	case "":
	case script.CodeHandlerFailed, script.CodeNoAnswerer, script.CodeRejected:
		m.router.outcomes.add(m.router.outcome(letter, m.router.Now().Sub(start), err))
	default:
		return err
	}
	return m.router.Mail.Acknowledge(m.ctx, m.name, letter.ID)
}
