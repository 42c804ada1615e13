package main

import "github.com/mlhost/mlhost/cmd/mlhost/text"

// escapeLine makes one line of foreign text safe for a terminal.
func escapeLine(s string) string { return text.Line(s) }

// escapeText does the same with text of several lines.
func escapeText(s string) string { return text.Block(s) }

// lastPart returns what a line with carriage returns shows in the end.
func lastPart(s string) string { return text.LastPart(s) }
