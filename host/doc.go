// Package host is the program's whole: it opens the parts (configuration,
// store, registry, bus, router, supervisor, API) and is the only place where
// they meet.
//
// There are three doors, and every front end uses them: Emit for facts, Send
// for requests to scripts, Do for the operator's verbs. A fact is numbered
// and kept by the store before the registry knows it, the router acts on it
// and the bus shows it.
package host
