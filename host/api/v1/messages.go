package v1

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Ask asks a script and wants a reply within Timeout seconds (30 when 0).
type Ask struct {
	Topic   string       `json:"topic" doc:"what it is about" example:"checkpoint"`
	Data    script.Value `json:"data,omitzero" doc:"the question, any JSON"`
	Timeout float64      `json:"timeout,omitempty" doc:"how long to wait for the reply, in seconds; 0: 30" example:"5"`
}

// Tell puts a message into a script's mailbox, or broadcasts it.
type Tell struct {
	Topic string       `json:"topic" doc:"what it is about" example:"checkpoint"`
	Data  script.Value `json:"data,omitzero" doc:"the message, any JSON"`
}

// Reply answers `call`.
type Reply struct {
	Reply script.Value `json:"reply" doc:"what the script answered, any JSON"`
}

// Told answers `tell`.
type Told struct {
	ID string `json:"id" doc:"the message's id: a message that is delivered again has the same"`
}

// Broadcast answers `broadcast`.
type Broadcast struct {
	ID         string   `json:"id" doc:"the message's id"`
	Recipients []string `json:"recipients" doc:"the scripts that it went to"`
}

// Mailbox answers `mailbox`: what waits for a script, oldest first.
type Mailbox struct {
	Script   string    `json:"script" doc:"the script's name" example:"trainer"`
	Messages []Message `json:"messages" doc:"what waits, the oldest first"`
}

// Message is one message in a mailbox.
type Message struct {
	ID     string       `json:"id" doc:"a message that is delivered again has the same"`
	Source string       `json:"source" doc:"who sent it: a script's name, or user:NAME"`
	Topic  string       `json:"topic" doc:"what it is about" example:"checkpoint"`
	Data   script.Value `json:"data" doc:"the message, any JSON"`
	Time   time.Time    `json:"time" doc:"when it was accepted"`
}
