package v1

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Ask asks a script and wants a reply within Timeout seconds (30 when 0).
type Ask struct {
	Topic   string       `json:"topic"`
	Data    script.Value `json:"data,omitzero"`
	Timeout float64      `json:"timeout,omitempty"`
}

// Tell puts a message into a script's mailbox, or broadcasts it.
type Tell struct {
	Topic string       `json:"topic"`
	Data  script.Value `json:"data,omitzero"`
}

// Reply answers `call`.
type Reply struct {
	Reply script.Value `json:"reply"`
}

// Told answers `tell`.
type Told struct {
	ID string `json:"id"`
}

// Broadcast answers `broadcast`.
type Broadcast struct {
	ID         string   `json:"id"`
	Recipients []string `json:"recipients"`
}

// Mailbox answers `mailbox`: what waits for a script, oldest first.
type Mailbox struct {
	Script   string    `json:"script"`
	Messages []Message `json:"messages"`
}

// Message is one message in a mailbox.
type Message struct {
	ID     string       `json:"id"`
	Source string       `json:"source"`
	Topic  string       `json:"topic"`
	Data   script.Value `json:"data"`
	Time   time.Time    `json:"time"`
}
