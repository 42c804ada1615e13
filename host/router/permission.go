package router

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// allowed reports whether source may send a message of the topic to target.
// Operators ("user:NAME") always may; between scripts the collaboration block
// decides, and in a denying one what allow blocks and topic routes name.
func (r *Router) allowed(source, target, topic string) bool {
	rules := r.rules.Load().config
	if rules.Collaboration.Default != "deny" || strings.HasPrefix(source, "user:") {
		return true
	}
	for _, a := range rules.Allows {
		if slices.Contains(a.From, source) && slices.Contains(a.To, target) &&
			(len(a.Topics) == 0 || slices.Contains(a.Topics, topic)) {
			return true
		}
	}
	return slices.Contains(r.routedTo(source, topic), target)
}

// routedTo lists the scripts that topic routes name for what source says on
// the topic, each once.
func (r *Router) routedTo(source, topic string) []string {
	var names []string
	for _, route := range r.rules.Load().config.TopicRoutes {
		if !route.Enabled || route.Topic != topic || !slices.Contains(route.From, source) {
			continue
		}
		for _, name := range route.To {
			if name != source && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func notRunning(s registry.Brief) error {
	message := fmt.Sprintf("script %q does not run: it is %s", s.Name, s.State)
	if s.State.Live() {
		message = fmt.Sprintf("script %q cannot be reached: it is %s", s.Name, s.State)
	}
	if s.Reason != "" {
		message += " (" + s.Reason + ")"
	}
	err := script.Errorf(script.CodeUnavailable, "%s", message)
	if s.State.Live() {
		return err.WithHint("`mlhost tell` leaves a message for later")
	}
	return err.
		WithHint("`mlhost start %s` starts it; `mlhost tell` leaves a message for later", s.Name)
}

func noAnswerer(s registry.Brief, topic string) error {
	err := script.Errorf(script.CodeNoAnswerer, "script %q does not answer %q", s.Name, topic)
	if len(s.Topics) == 0 {
		return err.WithHint("it declares no topics; `mlhost tell` puts the message into its mailbox")
	}
	names := make([]string, 0, len(s.Topics))
	for _, t := range s.Topics {
		names = append(names, t.Name)
	}
	if best := script.Suggest(topic, names); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err.WithHint("it answers %s", strings.Join(names, ", "))
}
